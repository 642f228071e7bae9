import { isDeepStrictEqual } from "node:util";
import { type Event, EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE } from "js-yaml";
import { UsageError } from "../errors.ts";
import { isTree, type Tree } from "./merge.ts";
import { parseYaml } from "./yaml.ts";

/** A text to be put in the place of another one. */
export interface ScalarEdit {
  /** The keys that lead to it; a number for a place in a list. */
  readonly path: readonly string[];
  readonly value: string;
}

type ScalarEvent = Extract<Event, { type: typeof EVENT_ID.SCALAR }>;

/**
 * The YAML text with some texts in it replaced; every other byte stays. Throws {@linkcode UsageError} for a text that
 * does not stand at its path itself, or that an anchor shares with other places.
 */
export function replaceScalars(text: string, file: string, edits: readonly ScalarEdit[]): string {
  const { scalars, shared } = sitesOf(text);
  const sites = edits.map((edit) => ({ edit, site: siteFor(edit, file, scalars, shared) }));
  // From the end, so that the offsets of those before stay right.
  sites.sort((a, b) => b.site.valueStart - a.site.valueStart);
  const edited = sites.reduce(
    (all, { edit, site }) =>
      all.slice(0, site.valueStart) + written(edit.value, site) + all.slice(site.valueEnd),
    text,
  );
  const wanted = edits.reduce((tree, { path, value }) => withValue(tree, path, value), valueOf(text, file));
  return proven(edited, wanted, file, edits.map(({ path }) => path.join(".")).join(", "));
}

/** The YAML text of a map without one of its keys; what stands around that entry stays as it is. */
export function removeEntry(text: string, file: string, key: string): string {
  const lines = text.split(/(?<=\n)/);
  const line = parseYaml(text, file).lineOf([key]);
  const { [key]: gone, ...rest } = valueOf(text, file) as Tree;
  if (line === undefined || gone === undefined) {
    throw new UsageError(`${file} has no entry ${key}`);
  }
  let end = line;
  while (end < lines.length && /^(\s|$)/.test(lines[end] ?? "")) end++;
  let begin = line - 1;
  // A comment right above an entry is about it; one at the beginning of a file may be about the file.
  const isComment = (index: number) => lines[index]?.startsWith("#") ?? false;
  let comment = begin;
  while (isComment(comment - 1)) comment--;
  if (comment > 0 && lines[comment - 1]?.trim() === "") begin = comment;
  const before = lines.slice(0, begin).join("");
  const after = lines.slice(end).join("");
  return proven(after === "" ? before.replace(/\n\s*$/, "\n") : before + after, rest, file, key);
}

/** The YAML text of a map with an entry more at its end. */
export function appendEntry(text: string, file: string, entry: string): string {
  const added = valueOf(entry, file) as Tree;
  const head = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const wanted = { ...(valueOf(text, file) as Tree), ...added };
  return proven(
    `${head}${head.trim() === "" ? "" : "\n"}${entry}`,
    wanted,
    file,
    Object.keys(added).join(", "),
  );
}

interface Sites {
  readonly scalars: ReadonlyMap<string, ScalarEvent>;
  /** The paths of values that have an anchor to which something refers. */
  readonly shared: readonly string[];
}

/** Where the single values of a text stand: the JSON of each path -> the event. */
function sitesOf(text: string): Sites {
  const events = parseEvents(text, {});
  const scalars = new Map<string, ScalarEvent>();
  const anchors = new Map<string, string>();
  const shared: string[] = [];
  let next = events[0]?.type === EVENT_ID.DOCUMENT ? 1 : 0;

  function walk(path: readonly string[]): void {
    const event = events[next++];
    const name = event !== undefined && "anchorStart" in event && event.anchorStart >= 0
      ? text.slice(event.anchorStart, event.anchorEnd)
      : undefined;
    if (event?.type === EVENT_ID.ALIAS) return void shared.push(anchors.get(name ?? "") ?? "");
    if (name !== undefined) anchors.set(name, JSON.stringify(path));
    if (event?.type === EVENT_ID.SCALAR) return void scalars.set(JSON.stringify(path), event);
    for (let index = 0; next < events.length && events[next]?.type !== EVENT_ID.POP; index++) {
      const key = event?.type === EVENT_ID.MAPPING ? keyAt() : String(index);
      walk([...path, key]);
    }
    next++;
  }
  function keyAt(): string {
    const event = events[next];
    if (event?.type === EVENT_ID.SCALAR) {
      next++;
      return getScalarValue(text, event);
    }
    walk(["?"]); // A map as a key: pim has none, and goes on after it.
    return "?";
  }
  if (next < events.length) walk([]);
  return { scalars, shared };
}

function siteFor(
  { path }: ScalarEdit,
  file: string,
  scalars: ReadonlyMap<string, ScalarEvent>,
  shared: readonly string[],
): ScalarEvent {
  const prefixes = path.map((_, index) => JSON.stringify(path.slice(0, index + 1)));
  const site = scalars.get(prefixes.at(-1) ?? "");
  const cannot = (why: string) =>
    new UsageError(`Cannot change ${path.join(".")} in ${file}: ${why}`, {
      hint: "Change the file by hand.",
    });
  if (site === undefined) throw cannot("it is not written there itself but comes from an anchor");
  if (prefixes.some((prefix) => shared.includes(prefix))) {
    throw cannot("other entries share it by an anchor");
  }
  const folded = site.style === SCALAR_STYLE.LITERAL_BLOCK || site.style === SCALAR_STYLE.FOLDED_BLOCK;
  if (folded) throw cannot("it is a text of several lines");
  return site;
}

/** A value in the quotes that were there. */
function written(value: string, { style }: ScalarEvent): string {
  if (style === SCALAR_STYLE.SINGLE_QUOTED) return value.replaceAll("'", "''");
  return style === SCALAR_STYLE.DOUBLE_QUOTED ? JSON.stringify(value).slice(1, -1) : value;
}

function valueOf(text: string, file: string): unknown {
  return parseYaml(text, file).value;
}

function withValue(tree: unknown, [key, ...rest]: readonly string[], value: string): unknown {
  if (key === undefined) return value;
  if (Array.isArray(tree)) {
    return tree.map((each, index) => String(index) === key ? withValue(each, rest, value) : each);
  }
  return isTree(tree) ? { ...tree, [key]: withValue(tree[key], rest, value) } : tree;
}

/** The edited text, if it says what it should: a file is never left in another state than the one that was meant. */
function proven(edited: string, wanted: unknown, file: string, what: string): string {
  let got: unknown;
  try {
    got = valueOf(edited, file);
  } catch (cause) {
    throw unsafe(file, what, cause);
  }
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
  if (!isDeepStrictEqual(plain(got), plain(wanted))) throw unsafe(file, what);
  return edited;
}

function unsafe(file: string, what: string, cause?: unknown): UsageError {
  return new UsageError(`Cannot change ${what} in ${file} and leave the rest as it is`, {
    cause,
    hint: "Change the file by hand.",
  });
}
