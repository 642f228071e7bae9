import { CancelledError, messageOf, PimError } from "../errors.ts";
import { isSilence } from "../qemu/qmp_error.ts";
import { SshError } from "../ssh/errors.ts";
import type { RootShell } from "./root_shell.ts";
import { failed, type Outcome, skipped } from "./verification.ts";

/** What a script in the guest left behind. */
export interface GuestOutput {
  /** Its exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** A check that is made by a shell script, run as root in the guest. */
export interface GuestCheck {
  readonly name: string;
  /** For a POSIX shell; exit status 77 says that there is nothing to check, and its output why. */
  readonly script: string;
  /** $1 and so on. */
  readonly args?: readonly string[];
  readonly stdin?: string;
  /** Default 60 000. */
  readonly timeoutMs?: number;
  judge(output: GuestOutput): Outcome;
}

/** Exit status of a script that has nothing to check, as automake and Meson have it. */
const skipStatus = 77;

/** Makes a check in a guest that answers. */
export async function runGuestCheck(
  root: RootShell,
  check: GuestCheck,
  signal: AbortSignal,
): Promise<Outcome> {
  const output = await runScript(root, check, signal);
  if ("result" in output) return output;
  if (output.status === skipStatus) return skipped(firstLine(output.stdout) || "there is nothing to check");
  return check.judge(output);
}

/** Runs the script of a check as root; the outcome already, when it could not be run or was not done in time. */
export async function runScript(
  root: RootShell,
  { script, args = [], stdin, timeoutMs = 60_000 }: Pick<
    GuestCheck,
    "script" | "args" | "stdin" | "timeoutMs"
  >,
  signal: AbortSignal,
): Promise<GuestOutput | Outcome> {
  const program = {
    argv: ["/bin/sh", "-c", `LC_ALL=C; export LC_ALL\n${script}`, "sh", ...args],
    ...(stdin !== undefined && { stdin }),
  };
  try {
    const { ended, ...output } = await root.run(program, { timeoutMs, signal });
    if (ended) return output;
    const said = lastLine(output.stdout);
    return failed(`not done within ${timeoutMs / 1000} s${said === "" ? "" : `; it last said: ${said}`}`);
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    if (!(error instanceof PimError)) throw error;
    if (!(await root.isRunning())) return failed("the machine ended by itself");
    // An agent may be set up to refuse commands; to answer at first and not any more is a fault.
    return isOfSilence(error) ? failed(messageOf(error)) : skipped(messageOf(error));
  }
}

function isOfSilence(error: unknown): boolean {
  return error instanceof Error &&
    (isSilence(error) || error instanceof SshError || isOfSilence(error.cause));
}

/** The first line of a text that is not blank. */
export function firstLine(text: string): string {
  return linesOf(text)[0] ?? "";
}

/** The last line of a text that is not blank. */
export function lastLine(text: string): string {
  return linesOf(text).at(-1) ?? "";
}

/** The lines of a text, trimmed, without blank ones. */
export function linesOf(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
}
