import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { CancelledError, exitCode, messageOf, PimError } from "../errors.ts";
import { redact } from "../log.ts";
import { kebabCase } from "./flags.ts";

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

/** stricli's texts, with pim's way to print errors. */
export function applicationText(debug: boolean): ApplicationText {
  const format = (error: unknown) => formatError(error, debug);
  return {
    ...text_en,
    exceptionWhileRunningCommand: format,
    exceptionWhileLoadingCommandFunction: format,
    exceptionWhileLoadingCommandContext: format,
    commandErrorResult: format,
    exceptionWhileParsingArguments: (error) => `error: ${usageMessage(error)}`,
    noCommandRegisteredForInput: ({ input, corrections }) =>
      `error: There is no command ${input}\nhint: ` +
      (corrections.length > 0
        ? meant(corrections.map((each) => each.replaceAll("`", "")))
        : "See: pim --help"),
  };
}

/** What is wrong with an argument or a flag. stricli's own words have flags as the source code names them. */
function usageMessage(error: unknown): string {
  if (!(error instanceof ArgumentScannerError)) return messageOf(error);
  return formatMessageForArgumentScannerError(error, {
    FlagNotFoundError: ({ input, corrections }) =>
      `There is no flag --${input}` + hintOf(corrections.map((name) => `--${kebabCase(name)}`)),
    AliasNotFoundError: ({ input }) => `There is no flag -${input}`,
    UnsatisfiedPositionalError: ({ placeholder, limit: [least, count] = [1, 0] }) =>
      count === 0
        ? `Nothing is given for ${placeholder}\nhint: See the command with --help`
        : `Only ${count} of at least ${least} arguments is given: ${placeholder}\nhint: See the command with --help`,
    UnexpectedPositionalError: ({ expectedCount, input }) =>
      expectedCount === 0
        ? `This command takes no arguments, not even "${input}"`
        : `There is an argument too many: "${input}"`,
  });
}

function hintOf(corrections: readonly string[]): string {
  return corrections.length === 0 ? "" : `\nhint: ${meant(corrections)}`;
}

function meant(corrections: readonly string[]): string {
  return `Did you mean ${corrections.join(" or ")}?`;
}

function isCancellation(error: unknown): boolean {
  return error instanceof CancelledError || (error instanceof Error && error.name === "AbortError");
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}
