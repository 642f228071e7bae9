import type { Booted, VerifyPlaces } from "./boot.ts";
import { type GuestCheck, runGuestCheck } from "./guest_check.ts";
import type { Subject } from "./subject.ts";
import { type Check, type Outcome, skipped } from "./verification.ts";

/** Options of {@linkcode verifyImage}. */
export interface VerifyOptions {
  readonly places: VerifyPlaces;
  readonly signal: AbortSignal;
  /** How long the system may take to come up. */
  readonly bootTimeoutMs: number;
  /** A file to which what the machines write to their serial consoles is added. */
  readonly serialLog?: string;
  /** Called with what is done next, in words. */
  readonly onStage?: (text: string) => void;
  /** Called with each check as it is made. */
  readonly onCheck?: (check: Check) => void;
  /** Called with each line of the verification script, which come all together when it has ended. */
  readonly onLine?: (line: string) => void;
}

/** A list of checks that is being made. */
export interface Run {
  readonly subject: Subject;
  readonly options: VerifyOptions;
  readonly checks: Check[];
}

/** Makes a check in the guest and notes it; `without` says why it cannot be made. */
export async function guestCheck(
  run: Run,
  booted: Booted,
  check: GuestCheck,
  without?: string,
): Promise<void> {
  await timed(
    run,
    check.name,
    () =>
      without === undefined
        ? runGuestCheck(booted, check, run.options.signal)
        : Promise.resolve(skipped(without)),
  );
}

/** Makes a check and notes how it came out and how long it took. */
export async function timed(run: Run, name: string, make: () => Promise<Outcome>): Promise<void> {
  const startedMs = performance.now();
  record(run, name, await make(), startedMs);
}

/** Notes how a check came out; its time counts from `startedMs` of performance.now(). */
export function record({ checks, options }: Run, name: string, outcome: Outcome, startedMs?: number): void {
  const elapsedMs = startedMs === undefined ? 0 : Math.round(performance.now() - startedMs);
  const check: Check = { name, ...outcome, elapsedMs };
  checks.push(check);
  options.onCheck?.(check);
}
