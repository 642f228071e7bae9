import { buildCommand as build, type Command, type CommandBuilderArguments } from "@stricli/core";
import type { PimContext } from "./context.ts";

/** Command lines to learn from, each with what it does. They are real ones: a test parses all of them. */
export type Examples = Readonly<Record<string, string>>;

/** A command with what stricli's own does not carry, for its help and its manual page. */
export interface PimCommand<CONTEXT extends PimContext = PimContext> extends Command<CONTEXT> {
  readonly examples: Examples;
  /** Usage lines in place of the one that its parameters make, without the command's name. */
  readonly customUsage?: readonly string[];
}

type FlagsOf<FLAGS> = Readonly<Partial<Record<keyof FLAGS, unknown>>>;

/** What a command is made from: stricli's arguments, with examples among the docs. */
export type CommandArguments<
  FLAGS extends FlagsOf<FLAGS>,
  ARGS extends readonly unknown[],
  CONTEXT extends PimContext,
> =
  & CommandBuilderArguments<FLAGS, ARGS, CONTEXT>
  & { readonly docs: { readonly examples: Examples; readonly customUsage?: readonly string[] } };

/** stricli's buildCommand, for commands with examples. */
export function buildCommand<
  const FLAGS extends FlagsOf<FLAGS> = NonNullable<unknown>,
  const ARGS extends readonly unknown[] = [],
  const CONTEXT extends PimContext = PimContext,
>(args: CommandArguments<FLAGS, ARGS, CONTEXT>): PimCommand<CONTEXT> {
  const { examples, customUsage } = args.docs;
  return { ...build<FLAGS, ARGS, CONTEXT>(args), examples, customUsage };
}

/** Whether a command of the tree was made by {@linkcode buildCommand}. */
export function hasExamples(command: Command<PimContext>): command is PimCommand {
  return "examples" in command;
}
