import type { Guest } from "../vm/guest/guest.ts";

/** When something in a guest first answered, or why it did not. */
export type Answered = { readonly afterMs: number } | { readonly missing: string };

/** Why something in a guest was not even asked. */
export interface Untried {
  readonly untried: string;
}

/** How far a guest came by itself. */
export interface Observed {
  readonly agent: Answered;
  readonly ssh: Answered | Untried;
}

/** Limits of an observation. */
export interface ObserveOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A throw-away machine of an image, in which checks are made; disposing of it ends it and removes all of it. */
export interface Machine extends AsyncDisposable {
  readonly guest: Guest;
  /** When it was started, of performance.now(). */
  readonly startedMs: number;
  /** Port of this host that leads to its SSH; undefined where none does. */
  readonly sshPort: number | undefined;
  /** Waits until its guest agent, and its SSH where that can be reached from here, have answered. */
  observe(options: ObserveOptions): Promise<Observed>;
}
