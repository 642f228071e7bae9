import {
  type ApplicationText,
  ArgumentScannerError,
  formatMessageForArgumentScannerError,
  text_en,
} from "@stricli/core";
import { messageOf, PimError } from "../errors.ts";
import { formatError } from "./error_text.ts";
import { kebabCase } from "./flags.ts";

/** Flags that stand before any command. */
const leadingFlags = ["--project", "--quiet", "--debug", "--help", "--version"];

/**
 * stricli's texts, with pim's way to print errors.
 *
 * @param help what explains the command that was called, such as "pim build run --help"
 */
export function applicationText(debug: boolean, help: string): ApplicationText {
  const format = (error: unknown) => formatError(error, debug);
  return {
    ...text_en,
    exceptionWhileRunningCommand: format,
    exceptionWhileLoadingCommandFunction: format,
    exceptionWhileLoadingCommandContext: format,
    commandErrorResult: format,
    exceptionWhileParsingArguments: (error) => usageText(error, help),
    noCommandRegisteredForInput: ({ input, corrections }) => noCommandText(input, corrections, help),
  };
}

/**
 * What is wrong with an argument or a flag, and what to type next.
 *
 * @param help the command that explains the one that was mistyped, such as "pim build run --help"
 */
function usageText(error: unknown, help: string): string {
  let hint = `See: ${help}`;
  if (!(error instanceof ArgumentScannerError)) return `error: ${messageOf(error)}\nhint: ${hint}`;
  const message = formatMessageForArgumentScannerError(error, {
    FlagNotFoundError({ input, corrections }) {
      if (corrections.length > 0) hint = meant(corrections.map((name) => `--${kebabCase(name)}`));
      return `There is no flag --${input}`;
    },
    AliasNotFoundError: ({ input }) => `There is no flag -${input}`,
    ArgumentParseError({ externalFlagNameOrPlaceholder: name, exception }) {
      if (exception instanceof PimError && exception.hint !== undefined) hint = exception.hint;
      return `${isFlagName(name) ? `--${name}: ` : ""}${messageOf(exception)}`;
    },
    EnumValidationError: ({ externalFlagName, input, values }) =>
      `--${externalFlagName}: ${input} is not one of: ${values.join(", ")}`,
    UnsatisfiedFlagError: ({ externalFlagName }) => `--${externalFlagName} needs a value`,
    UnexpectedFlagError: ({ externalFlagName }) => `--${externalFlagName} can be given only once`,
    InvalidNegatedFlagSyntaxError: ({ externalFlagName }) => `--${externalFlagName} takes no value`,
    UnexpectedPositionalError: ({ input }) => `There is one argument too many: "${input}"`,
    UnsatisfiedPositionalError: ({ placeholder, limit: [least] = [1, 0] }) =>
      least > 1 ? `${least} of these are needed: ${placeholder}` : `${placeholder} is missing`,
  });
  return `error: ${message}\nhint: ${hint}`;
}

/** What is said of a word that stands where a command is wanted, and names none. */
function noCommandText(input: string, corrections: readonly string[], help: string): string {
  if (!input.startsWith("-")) {
    const names = corrections.map((each) => each.replaceAll("`", ""));
    return `error: There is no command ${input}\nhint: ${names.length > 0 ? meant(names) : `See: ${help}`}`;
  }
  // By their first letters: what finds the nearest name is not worth loading at every start.
  const near = leadingFlags.filter((flag) => flag.startsWith(input.slice(0, 4)));
  return `error: There is no flag ${input}\nhint: ${near.length > 0 ? meant(near) : `See: ${help}`}`;
}

function meant(names: readonly string[]): string {
  return `Did you mean ${names.join(" or ")}?`;
}

/** stricli tells flags and placeholders by one name; pim's placeholders are in capitals, or a choice. */
function isFlagName(name: string): boolean {
  return /^[a-z][a-zA-Z0-9-]*$/.test(name);
}
