import { type ExitCode, PimError } from "../../errors.ts";
import type { Evidence } from "./evidence.ts";

/** Why a build failed, as reason.json names it; scripts may rely on these words. */
export type ReasonCode =
  | "kernel-not-started"
  | "no-dhcp"
  | "answers-never-fetched"
  | "installer-question"
  | "installer-error"
  | "late-command-failed"
  | "install-stalled"
  | "install-timeout"
  | "kernel-panic"
  | "qemu-died"
  | "disk-full"
  | "boot-stopped"
  | "no-network"
  | "no-ssh"
  | "login-refused"
  | "guest-powered-off"
  | "script-failed"
  | "script-hung"
  | "script-timeout"
  | "power-off-refused"
  | "verification-failed"
  | "cancelled"
  | "failed";

/** Why a build does not go on. */
export interface Reason {
  readonly code: ReasonCode;
  /** A sentence without its full stop. */
  readonly summary: string;
  /** What to do or type next. */
  readonly hint?: string;
  readonly exitCode: ExitCode;
  /** Nothing that the machine may still do can change it. */
  readonly final: boolean;
}

/** A failure whose reason was found in what the machine showed; the message ends in its last lines. */
export class DiagnosedError extends PimError {
  override readonly name = "DiagnosedError";

  constructor(
    readonly reason: Reason,
    readonly evidence: Evidence,
    options: { readonly lines?: readonly string[]; readonly cause?: unknown } = {},
  ) {
    super(reason.summary + quoted(evidence, options.lines), {
      exitCode: reason.exitCode,
      ...(reason.hint !== undefined && { hint: reason.hint }),
      ...(options.cause !== undefined && { cause: options.cause }),
    });
  }
}

// As many as a person reads; the logs have all.
const shownLines = 15;

function quoted({ serial, script }: Evidence, lines = script?.last ?? serial.last): string {
  if (lines.length === 0) return "";
  const shown = lines.slice(-shownLines).map((line) => `  | ${line}`).join("\n");
  return script === undefined ? `\nThe last lines of its console:\n${shown}` : `. Its last lines:\n${shown}`;
}
