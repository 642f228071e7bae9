import { deepmergeCustom } from "deepmerge-ts";

/** A map as it comes out of YAML or a module. */
export type Tree = { readonly [key: string]: unknown };

/** One source of values: a file, the environment, the flags. */
export interface Layer<T extends object = Tree> {
  /** What a person would call it: "built-in", a path, "PIM_ISO_ISO_DIR". */
  readonly source: string;
  readonly value: T;
  /** The line of a key in the source, where it has lines. */
  lineOf?(path: readonly string[]): number | undefined;
}

/** Merged values, and where each came from. */
export interface Merged<T extends object> {
  readonly value: T;
  /** Dotted key of each value -> the source of the layer that decided it. */
  readonly sources: ReadonlyMap<string, string>;
  /** Where the value at (or nearest to) a path was given: "FILE:LINE", "PIM_BUILD_CPUS" or "built-in". */
  where(path: readonly string[]): string;
}

const merge = deepmergeCustom({
  mergeArrays: false,
  mergeSets: false,
  mergeMaps: false,
  filterValues: (values) => values.filter((value) => value !== undefined && value !== null),
});

/**
 * The one merge of pim. Later layers win: maps merge key by key, lists and scalars replace,
 * null and undefined keep what was there.
 */
export function mergeLayers<T extends object = Tree>(layers: readonly Layer<Partial<T>>[]): Merged<T> {
  const values = layers.map((layer) => withoutNulls(layer.value) as object);
  const value = (values.length === 0 ? {} : merge(...values)) as T;
  const deciders = new Map<string, Layer<Partial<T>>>();
  for (const path of leaves(value as Tree)) {
    const decider = layers.findLast((layer) => get(layer.value as Tree, path) !== undefined);
    if (decider !== undefined) deciders.set(path.join("."), decider);
  }
  return {
    value,
    sources: new Map([...deciders].map(([key, layer]) => [key, layer.source])),
    where(path) {
      const layer = nearestDecider(deciders, path) ?? layers.at(-1);
      const line = layer?.lineOf?.(path);
      return layer === undefined ? "built-in" : line === undefined ? layer.source : `${layer.source}:${line}`;
    },
  };
}

/** The layer of the value at a path, else of a value below it, else of its nearest parent. */
function nearestDecider<L>(deciders: ReadonlyMap<string, L>, path: readonly string[]): L | undefined {
  const key = path.join(".");
  for (const [each, layer] of deciders) {
    if (each === key || each.startsWith(`${key}.`)) return layer;
  }
  return path.length === 0 ? undefined : nearestDecider(deciders, path.slice(0, -1));
}

/** The value at a path, or undefined when there is none or it is null. */
export function get(tree: unknown, path: readonly string[]): unknown {
  let here: unknown = tree;
  for (const key of path) {
    if (!isTree(here) || !Object.hasOwn(here, key)) return undefined;
    here = here[key];
  }
  return here ?? undefined;
}

/** The paths of all values that are not maps, empty maps included. */
export function leaves(tree: Tree, prefix: readonly string[] = []): string[][] {
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = [...prefix, key];
    return isTree(value) && Object.keys(value).length > 0 ? leaves(value, path) : [path];
  });
}

/** Whether a value is a plain map. */
export function isTree(value: unknown): value is Tree {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

/** A copy without null and undefined in maps, so that "nothing given" has one form. */
export function withoutNulls(value: unknown): unknown {
  if (!isTree(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== null && inner !== undefined)
      .map(([key, inner]) => [key, withoutNulls(inner)]),
  );
}
