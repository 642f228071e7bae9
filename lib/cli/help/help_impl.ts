import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../suggest.ts";
import { commandTree } from "../app.ts";
import type { PimContext } from "../context.ts";
import { helpText } from "./help_text.ts";
import { columns, section, styleOf } from "./sections.ts";
import { type Topic, topics } from "./topics.ts";
import { entriesOf, follow, isRouteMap } from "./tree.ts";

/** `pim help [COMMAND…|TOPIC]` */
// deno-lint-ignore require-await -- commands are asynchronous
export async function help(this: PimContext, _: object, ...words: string[]): Promise<void> {
  const style = styleOf(this.stdout);
  const topic = new Map<string, Topic>(Object.entries(topics)).get(words.join("-"));
  if (topic !== undefined) {
    return this.print(section(topic.title, columns(topic.rows, style), style).slice(1).join("\n"));
  }
  const target = follow(commandTree, words);
  if (target === undefined) throw noCommand(words);
  this.print(helpText(target, ["pim", ...words], style));
}

/** What `pim help` can take after these words. */
export function helpWordsAfter(words: readonly string[]): readonly string[] {
  const target = follow(commandTree, words);
  const names = isRouteMap(target) ? entriesOf(target).map(({ name }) => name) : [];
  return words.length === 0 ? [...names, ...Object.keys(topics)] : names;
}

/** Tells of the first word that is wrong. */
function noCommand(words: readonly string[]): UsageError {
  const known = words.findLastIndex((_, index) => follow(commandTree, words.slice(0, index)) !== undefined);
  const before = words.slice(0, known);
  return new UsageError(`There is no command ${words.slice(0, known + 1).join(" ")}`, {
    hint: didYouMean(
      words[known] ?? "",
      helpWordsAfter(before),
      `It has none below it: ${["pim", ...before].join(" ")} --help`,
    ),
  });
}
