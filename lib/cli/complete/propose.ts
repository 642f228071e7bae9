import type { Command, RouteMap } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { flagNames } from "../help/parameters.ts";
import { globalFlags } from "../help/global.ts";
import { follow, isRouteMap, rowsOf } from "../help/tree.ts";
import type { Propose } from "../names.ts";
import { type Scanned, scanWords } from "./scan.ts";

/** Something that may come next on a command line. */
export interface Proposal {
  readonly text: string;
  readonly brief?: string;
}

/** What may come next, and whether the shell shall add paths. */
export interface Proposals {
  readonly found: readonly Proposal[];
  readonly paths: "none" | "files" | "folders";
}

/**
 * What the word that is being typed may become; not only what begins with it, since shells have ways of their own to
 * match. stricli's proposeCompletions leaves out `--no-x` and `--flag=value`, and does not tell which of several
 * arguments it is about; what the parameters declare for it is used here.
 *
 * @param words the words between the program's name and that one, without flags that every command takes
 */
export async function propose(
  root: RouteMap<PimContext>,
  words: readonly string[],
  partial: string,
  context: PimContext,
): Promise<Proposals> {
  // What follows the command's own name are its arguments.
  const named = words.findIndex((_, index) => !isRouteMap(follow(root, words.slice(0, index))));
  const length = named === -1 ? words.length : named;
  const target = follow(root, words.slice(0, length));
  if (target === undefined) return { found: [], paths: "none" };
  if (!isRouteMap(target)) return await proposeForCommand(target, words.slice(length), partial, context);
  const found = partial.startsWith("-") ? flagsOf(target === root ? rootFlags : []) : routesOf(target);
  return { found, paths: "none" };
}

const rootFlags: readonly Proposal[] = [{ text: "--version", brief: "Print the version" }];

async function proposeForCommand(
  command: Command<PimContext>,
  words: readonly string[],
  partial: string,
  context: PimContext,
): Promise<Proposals> {
  const { parameters } = command;
  const scanned = scanWords(parameters, words);
  let paths: Proposals["paths"] = "none";
  const ask = async (proposeCompletions: Propose | undefined, text: string): Promise<readonly string[]> => {
    const completing = {
      before: scanned.before,
      proposePaths: (kind: "files" | "folders") => void (paths = kind),
    };
    return await proposeCompletions?.call({ ...context, completing }, text) ?? [];
  };
  const valuesOf = async (flag: Scanned["flags"][string], text: string) =>
    flag.kind === "enum"
      ? flag.values
      : flag.kind === "parsed"
      ? await ask(flag.proposeCompletions, text)
      : [];

  if (scanned.awaited !== undefined) {
    return { found: plain(await valuesOf(scanned.awaited, partial)), paths };
  }
  if (!scanned.escaped && partial.startsWith("-")) {
    const [, name = "", text = ""] = /^(--[^=]+=)(.*)$/s.exec(partial) ?? [];
    if (name === "") return { found: flagsOf(ownFlags(scanned)), paths };
    const flag = scanned.find(name.slice(0, -1))?.flag;
    const values = flag === undefined ? [] : await valuesOf(flag, text);
    return { found: plain(values.map((value) => name + value)), paths };
  }
  const found = await ask(argumentAt(command, scanned.before.length), partial);
  return { found: plain(found.filter((name) => !scanned.before.includes(name))), paths };
}

/** What the argument at this place may be. */
function argumentAt({ parameters: { positional } }: Command<PimContext>, index: number): Propose | undefined {
  const argument = positional?.kind === "array" ? positional.parameter : positional?.parameters[index];
  return argument?.proposeCompletions as Propose | undefined;
}

/** The flags of a command that can still be given. Of `--cache` only `--no-cache`, where it is on anyway. */
function ownFlags({ flags, used }: Scanned): Proposal[] {
  return Object.entries(flags)
    .filter(([name, flag]) => !flag.hidden && (!used.has(name) || ("variadic" in flag && flag.variadic)))
    .flatMap(([name, flag]) => {
      const names = flagNames(name, flag);
      const useful = flag.kind === "boolean" && flag.default === true ? names.slice(1) : names;
      return useful.map((text) => ({ text, brief: text === names[1] ? `Not: ${flag.brief}` : flag.brief }));
    });
}

function flagsOf(own: readonly Proposal[]): Proposal[] {
  const common = globalFlags.map(({ name, brief }) => ({ text: name, brief }));
  return [...own, ...common, { text: "--help", brief: "Print help" }];
}

function routesOf(group: RouteMap<PimContext>): Proposal[] {
  return rowsOf(group).map(({ term, brief }) => ({ text: term, brief }));
}

function plain(texts: readonly string[]): Proposal[] {
  return [...new Set(texts)].map((text) => ({ text }));
}
