import { join, parse } from "node:path";
import type * as v from "valibot";
import { UsageError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { type ConfigFolder, listFolder } from "./folders.ts";
import { isTree, type Layer, type Merged, mergeLayers, type Tree } from "./merge.ts";
import { importDefault } from "./module.ts";
import { validate } from "./validate.ts";
import { parseYaml } from "./yaml.ts";

/** A named entry of a `.d` folder, merged over the entry called "default". */
export interface Entry<T> {
  readonly key: string;
  readonly value: T;
  /** The file that defines it. */
  readonly source: string;
}

/** A named entry that has not been checked yet. */
export interface RawEntry extends Merged<Tree> {
  readonly key: string;
  /** The file that defines it. */
  readonly source: string;
}

/** Options of {@linkcode readEntries}. */
export interface ReadOptions {
  /** TypeScript and JavaScript modules are entries too: each one entry, called as its file. */
  readonly modules?: boolean;
}

/**
 * Reads all YAML files of a `.d` folder: each is a map of key -> entry. The nearest folder that has a key wins,
 * and every entry is merged over the entry called "default".
 */
export async function readEntries(
  folders: readonly ConfigFolder[],
  subfolder: string,
  options: ReadOptions = {},
): Promise<RawEntry[]> {
  const raw = new Map<string, Layer>();
  for (const folder of folders) {
    for (const [key, entry] of await readFolder(folder, subfolder, options)) {
      if (!raw.has(key)) raw.set(key, entry);
    }
  }
  const defaults = raw.get("default");
  raw.delete("default");
  return [...raw].sort(([a], [b]) => a.localeCompare(b)).map(([key, entry]) => {
    const layers = [entry, ...(defaults === undefined ? [] : [defaults])].reverse();
    return { key, source: entry.source, ...mergeLayers(layers) };
  });
}

/** Reads the entries of a `.d` folder as {@linkcode readEntries} does, and checks all of them against a schema. */
export async function loadEntries<S extends v.GenericSchema>(
  folders: readonly ConfigFolder[],
  subfolder: string,
  schema: S,
): Promise<Entry<v.InferOutput<S>>[]> {
  return (await readEntries(folders, subfolder)).map(({ key, source, value, where }) => {
    return { key, source, value: validate(schema, value, where) };
  });
}

const entryForm = '`export default { type: "file", … };`: the settings of one entry';

async function readFolder(
  folder: ConfigFolder,
  subfolder: string,
  { modules = false }: ReadOptions,
): Promise<Map<string, Layer>> {
  const entries = new Map<string, Layer>();
  const add = (key: string, where: string, entry: Omit<Layer, "value"> & { readonly value: unknown }) => {
    const other = entries.get(key);
    if (other !== undefined) throw new UsageError(`${where}: ${key} is already defined in ${other.source}`);
    const { value } = entry;
    if (!isTree(value)) throw new UsageError(`${where}: ${key} must be a map`);
    entries.set(key, { ...entry, value });
  };
  for (const name of await listFolder(folder, subfolder, /\.ya?ml$/)) {
    const file = join(folder.path, subfolder, name);
    const document = parseYaml((await readTextIfThere(file)) ?? "", file);
    if (!isTree(document.value)) throw new UsageError(`${file} must be a map of key -> entry`);
    for (const [key, value] of Object.entries(document.value)) {
      const lineOf = (path: readonly string[]) => document.lineOf([key, ...path]);
      add(key, `${file}:${lineOf([]) ?? 1}`, { source: file, value, lineOf });
    }
  }
  if (!modules) return entries;
  for (const name of await listFolder(folder, subfolder, /(?<!\.d)\.m?[jt]s$/)) {
    const file = join(folder.path, subfolder, name);
    add(parse(name).name, file, { source: file, value: await importDefault(file, entryForm) });
  }
  return entries;
}
