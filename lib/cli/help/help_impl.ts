import { type RouteMap, run } from "@stricli/core";
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../suggest.ts";
import { buildApp } from "../app.ts";
import type { PimContext } from "../context.ts";
import { columns, section } from "./sections.ts";
import { type Topic, topics } from "./topics.ts";

/** `pim help [COMMAND…|TOPIC]` */
export async function help(this: PimContext, _: object, ...words: string[]): Promise<void> {
  const [first = ""] = words;
  const topic = (topics as Readonly<Record<string, Topic | undefined>>)[first];
  if (topic !== undefined) {
    const style = { ansiColor: (this.process.stdout.getColorDepth?.() ?? 1) > 1 };
    return this.print(section(topic.title, columns(topic.rows, style), style).slice(1).join("\n"));
  }
  const app = buildApp({ debug: false });
  checkWords(app.root as RouteMap<PimContext>, words);
  await run(app, [...words, "--help"], this);
}

/** What `pim help` can take after these words. */
export function helpWordsAfter(words: readonly string[]): readonly string[] {
  let routes: unknown = buildApp({ debug: false }).root;
  for (const word of words) routes = isRouteMap(routes) ? routes.getRoutingTargetForInput(word) : undefined;
  if (!isRouteMap(routes)) return [];
  return words.length === 0 ? [...namesOf(routes), ...Object.keys(topics)] : namesOf(routes);
}

/** Throws UsageError when there is no such command. */
function checkWords(root: RouteMap<PimContext>, words: readonly string[]): void {
  let target: unknown = root;
  for (const [index, word] of words.entries()) {
    const next = isRouteMap(target) ? target.getRoutingTargetForInput(word) : undefined;
    if (next === undefined) {
      throw new UsageError(`There is no command ${words.slice(0, index + 1).join(" ")}`, {
        hint: didYouMean(word, helpWordsAfter(words.slice(0, index)), `See: pim ${words[0]} --help`),
      });
    }
    target = next;
  }
}

function namesOf(routes: RouteMap<PimContext>): string[] {
  const shown = routes.getAllEntries().filter(({ hidden }) => !hidden);
  return shown.map(({ name }) => name["convert-camel-to-kebab"]);
}

function isRouteMap(target: unknown): target is RouteMap<PimContext> {
  return typeof target === "object" && target !== null && "getAllEntries" in target;
}
