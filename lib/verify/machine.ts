import type { SshAddress } from "../ssh/socket.ts";
import type { RootShell } from "./root_shell.ts";

/** When something in a guest first answered, or why it did not. */
export type Answered = { readonly afterMs: number } | { readonly missing: string };

/** Why something in a guest was not even asked. */
export interface Untried {
  readonly untried: string;
}

/** How far a guest came by itself. */
export interface Observed {
  readonly agent: Answered | Untried;
  readonly ssh: Answered | Untried;
}

/** Limits of an observation. */
export interface ObserveOptions {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Where the SSH of a machine is. */
export interface SshDoor extends SshAddress {
  /** Fingerprint of its host key, where that is known already. */
  readonly hostKey?: string;
  /** Whether somebody else could answer there: no password is sent then. */
  readonly open: boolean;
}

/** A throw-away machine of an image, in which checks are made; disposing of it ends it and removes all of it. */
export interface Machine extends AsyncDisposable {
  readonly root: RootShell;
  /** When it was started, of performance.now(). */
  readonly startedMs: number;
  /** Where its SSH can be reached from here; undefined where it cannot, or is not known yet. */
  readonly ssh: SshDoor | undefined;
  /** Whether whoever runs it has given it its host name, as clouds do. */
  readonly namedForIt?: true;
  /** Waits until what can be reached of its guest agent and SSH has answered. */
  observe(options: ObserveOptions): Promise<Observed>;
}
