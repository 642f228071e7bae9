import { join } from "node:path";
import type * as v from "valibot";
import { UsageError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { type ConfigFolder, listFolder } from "./folders.ts";
import { isTree, type Layer, mergeLayers } from "./merge.ts";
import { validate } from "./validate.ts";
import { parseYaml } from "./yaml.ts";

/** A named entry of a `.d` folder, merged over the entry called "default". */
export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  /** The file that defines it. */
  readonly source: string;
}

/**
 * Reads all YAML files of a `.d` folder: each is a map of key -> entry. The nearest folder that has a key wins,
 * and every entry is merged over the entry called "default". All entries are checked against the schema.
 */
export async function loadEntries<S extends v.GenericSchema>(
  folders: readonly ConfigFolder[],
  subfolder: string,
  schema: S,
): Promise<Entry<v.InferOutput<S>>[]> {
  const raw = new Map<string, Layer>();
  for (const folder of folders) {
    for (const [key, entry] of await readFolder(folder, subfolder)) {
      if (!raw.has(key)) raw.set(key, entry);
    }
  }
  const defaults = raw.get("default");
  raw.delete("default");
  return [...raw].sort(([a], [b]) => a.localeCompare(b)).map(([key, entry]) => {
    const layers = [entry, ...(defaults === undefined ? [] : [defaults])].reverse();
    const merged = mergeLayers(layers);
    const value = validate(schema, merged.value, merged.where);
    return { key, value, source: entry.source };
  });
}

async function readFolder(folder: ConfigFolder, subfolder: string): Promise<Map<string, Layer>> {
  const entries = new Map<string, Layer>();
  for (const name of await listFolder(folder, subfolder, /\.ya?ml$/)) {
    const file = join(folder.path, subfolder, name);
    const document = parseYaml((await readTextIfThere(file)) ?? "", file);
    if (!isTree(document.value)) throw new UsageError(`${file} must be a map of key -> entry`);
    for (const [key, value] of Object.entries(document.value)) {
      const where = `${file}:${document.lineOf([key]) ?? 1}`;
      const other = entries.get(key);
      if (other !== undefined) throw new UsageError(`${where}: ${key} is already defined in ${other.source}`);
      if (!isTree(value)) throw new UsageError(`${where}: ${key} must be a map`);
      entries.set(key, { source: file, value, lineOf: (path) => document.lineOf([key, ...path]) });
    }
  }
  return entries;
}
