import { CancelledError, exitCode, messageOf, PimError } from "../errors.ts";
import { redact } from "../log.ts";

/** What is printed for an error: message and hint; the stack only for bugs and under --debug. */
export function formatError(error: unknown, debug: boolean): string {
  if (isCancellation(error)) return "cancelled";
  const isBug = !(error instanceof PimError);
  const lines = [`error: ${messageOf(error)}`];
  if (!isBug && error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  if (isBug) lines.push("This is a mistake in pim itself; please report it with the lines below.");
  if ((isBug || debug) && error instanceof Error && error.stack !== undefined) lines.push(error.stack);
  for (let cause = causeOf(error); debug && cause !== undefined; cause = causeOf(cause)) {
    lines.push(`caused by: ${cause instanceof Error ? cause.stack : String(cause)}`);
  }
  return redact(lines.join("\n"));
}

/** The exit code for an error that reached the top. */
export function exitCodeOf(error: unknown): number {
  if (isCancellation(error)) return exitCode.cancelled;
  return error instanceof PimError ? error.exitCode : exitCode.failure;
}

function isCancellation(error: unknown): boolean {
  return error instanceof CancelledError || (error instanceof Error && error.name === "AbortError");
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
