import type { Command } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { type Flag, flagNames, takesValue } from "../help/parameters.ts";

/** What the words that were typed so far mean to a command. */
export interface Scanned {
  readonly flags: Readonly<Record<string, Flag>>;
  /** Arguments that are no flags and no values of flags. */
  readonly before: readonly string[];
  /** The names of the flags that were given. */
  readonly used: ReadonlySet<string>;
  /** The flag whose value comes next. */
  readonly awaited: Flag | undefined;
  /** Whether there was a `--`: what follows is no flag. */
  readonly escaped: boolean;
  /** The flag that is called so on the command line. */
  find(text: string): NamedFlag | undefined;
}

interface NamedFlag {
  readonly name: string;
  readonly flag: Flag;
}

/** Scans the words of an unfinished command; what is wrong among them is passed over. */
export function scanWords(
  { flags = {}, aliases = {} }: Command<PimContext>["parameters"],
  words: readonly string[],
): Scanned {
  const find = (text: string): NamedFlag | undefined => {
    const [, letter = ""] = /^-([A-Za-z])$/.exec(text) ?? [];
    const name = (aliases as Readonly<Record<string, string>>)[letter] ??
      Object.keys(flags).find((each) => flagNames(each, flags[each] as Flag).includes(text));
    const flag = name === undefined ? undefined : flags[name];
    return name === undefined || flag === undefined ? undefined : { name, flag };
  };
  const before: string[] = [];
  const used = new Set<string>();
  let awaited: Flag | undefined;
  let escaped = false;
  for (const word of words) {
    if (awaited !== undefined) awaited = undefined;
    else if (escaped || !word.startsWith("-")) before.push(word);
    else if (word === "--") escaped = true;
    else {
      const [text = ""] = word.split("=", 1);
      const named = find(text);
      if (named !== undefined) used.add(named.name);
      if (named !== undefined && takesValue(named.flag) && text === word) awaited = named.flag;
    }
  }
  return { flags, before, used, awaited, escaped, find };
}
