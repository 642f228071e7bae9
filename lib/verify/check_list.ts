import type { VerifyPlaces } from "./boot.ts";
import { type GuestCheck, runGuestCheck } from "./guest_check.ts";
import type { RootShell } from "./root_shell.ts";
import type { Measure } from "./subject.ts";
import { type Check, type Outcome, skipped } from "./verification.ts";

/** How checks are made, and who hears of them. */
export interface CheckOptions {
  readonly signal: AbortSignal;
  /** How long the system may take to come up. */
  readonly bootTimeoutMs: number;
  /** Called with what is done next, in words. */
  readonly onStage?: (text: string) => void;
  /** Called with each check as it is made. */
  readonly onCheck?: (check: Check) => void;
  /** Called with each line of the verification script, which come all together when it has ended. */
  readonly onLine?: (line: string) => void;
}

/** Options of the verification of an image that machines of this host are started from. */
export interface VerifyOptions extends CheckOptions {
  readonly places: VerifyPlaces;
  /** A file to which what the machines write to their serial consoles is added. */
  readonly serialLog?: string;
}

/** A list of checks that is being made. */
export interface Run {
  readonly measure: Measure;
  readonly options: CheckOptions;
  readonly checks: Check[];
}

/** Makes a check in the guest and notes it; `without` says why it cannot be made. */
export async function guestCheck(
  run: Run,
  root: RootShell,
  check: GuestCheck,
  without?: string,
): Promise<void> {
  await timed(
    run,
    check.name,
    () =>
      without === undefined
        ? runGuestCheck(root, check, run.options.signal)
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
