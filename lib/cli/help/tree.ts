import type { Command, RouteMap } from "@stricli/core";
import type { PimContext } from "../context.ts";
import type { Described } from "./parameters.ts";

/** A command, or a group of commands. */
export type Target = Command<PimContext> | RouteMap<PimContext>;

/** Whether this is a group of commands. */
export function isRouteMap(target: Target | undefined): target is RouteMap<PimContext> {
  return target !== undefined && "getAllEntries" in target;
}

/** What is below a group of commands, without what is hidden. */
export function entriesOf(group: RouteMap<PimContext>): { readonly name: string; readonly target: Target }[] {
  return group.getAllEntries().filter(({ hidden }) => !hidden).map(({ name, target }) => ({
    name: name["convert-camel-to-kebab"],
    target,
  }));
}

/** The same as rows of a help text. */
export function rowsOf(group: RouteMap<PimContext>): Described[] {
  return entriesOf(group).map(({ name, target }) => ({ term: name, brief: target.brief }));
}

/** What these words lead to, hidden commands too; undefined where there is no such command. */
export function follow(root: Target, words: readonly string[]): Target | undefined {
  return words.reduce<Target | undefined>((target, word) => {
    if (!isRouteMap(target)) return undefined;
    // Not by getRoutingTargetForInput, to which "constructor" is a command, as to every object.
    return target.getAllEntries().find(({ name }) => name["convert-camel-to-kebab"] === word)?.target;
  }, root);
}

/** The words at the beginning of what was typed that name a command or a group. */
export function commandWords(root: Target, typed: readonly string[]): readonly string[] {
  let count = 0;
  while (count < typed.length && follow(root, typed.slice(0, count + 1)) !== undefined) count++;
  return typed.slice(0, count);
}
