import type { Command } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { kebabCase } from "../flags.ts";

type Parameters = Command<PimContext>["parameters"];

/** A flag of a command, as stricli has it. */
export type Flag = NonNullable<Parameters["flags"]>[string];

/** An argument of a command, as stricli has it. */
export type Argument = Extract<NonNullable<Parameters["positional"]>, { kind: "array" }>["parameter"];

/** A flag or an argument with what is to be said of it. */
export interface Described {
  /** `-l, --lines N`, `--verify, --no-verify`, `VM...`. */
  readonly term: string;
  readonly brief: string;
}

/** The flags of a command in the order in which they are declared. */
export function describeFlags({ flags = {}, aliases = {} }: Parameters): Described[] {
  return Object.entries(flags).filter(([, { hidden }]) => !hidden).map(([name, flag]) => {
    const letters = Object.entries(aliases).filter(([, of]) => of === name).map(([letter]) => `-${letter}`);
    const names = flagNames(name, flag);
    return {
      term: [...letters, ...names].join(", ") + valueOf(flag),
      brief: flag.brief + defaultOf(flag),
    };
  });
}

/** The arguments of a command. */
export function describeArguments({ positional }: Parameters): Described[] {
  if (positional === undefined) return [];
  if (positional.kind === "array") {
    const { placeholder = "ARG", brief } = positional.parameter;
    const term = `${placeholder}...`;
    return [{ term: (positional.minimum ?? 0) === 0 ? `[${term}]` : term, brief }];
  }
  return positional.parameters.map(({ placeholder = "ARG", brief, optional }) => ({
    term: optional ? `[${placeholder}]` : placeholder,
    brief,
  }));
}

/** The names under which a flag can be given: `--cache` also as `--no-cache`, unless it says otherwise. */
export function flagNames(name: string, flag: Flag): string[] {
  const kebab = kebabCase(name);
  const negated = flag.kind === "boolean" && flag.default !== false && flag.withNegated !== false;
  return negated ? [`--${kebab}`, `--no-${kebab}`] : [`--${kebab}`];
}

/** Whether the word after a flag belongs to it. */
export function takesValue({ kind }: Flag): boolean {
  return kind === "parsed" || kind === "enum";
}

function valueOf(flag: Flag): string {
  if (flag.kind === "enum") return ` ${flag.values.join("|")}`;
  if (flag.kind !== "parsed") return "";
  return ` ${flag.placeholder ?? "VALUE"}${flag.variadic ? "..." : ""}`;
}

function defaultOf(flag: Flag): string {
  if (flag.kind === "counter" || flag.default === undefined || flag.default === false) return "";
  return ` (default: ${flag.default === true ? "yes" : flag.default})`;
}
