import { isAbsolute, join } from "node:path";
import { dump } from "js-yaml";
import { loadEntries } from "../../config/entries.ts";
import type { ConfigFolder } from "../../config/folders.ts";
import { isTree, type Tree } from "../../config/merge.ts";
import { validate } from "../../config/validate.ts";
import { parseYaml } from "../../config/yaml.ts";
import { appendEntry, removeEntry, replaceScalars, type ScalarEdit } from "../../config/yaml_edit.ts";
import { UsageError } from "../../errors.ts";
import { readTextIfThere, removeIfThere, writeFileAtomic } from "../../files.ts";
import { statIfThere } from "../status.ts";
import { isoEntrySchema, type IsoFields } from "./entry.ts";

/** An entry as it is written: the file, what the file itself says, and what is merged over `default`. */
export interface WrittenEntry {
  readonly key: string;
  readonly file: string;
  readonly own: Tree;
  readonly merged: IsoFields;
}

/** The folders whose isos.d make the catalog: what comes with pim is no part of it. */
export function ownFolders(folders: readonly ConfigFolder[]): readonly ConfigFolder[] {
  return folders.filter(({ kind }) => kind !== "built-in");
}

/** All entries of isos.d with the files that define them. */
export async function writtenEntries(folders: readonly ConfigFolder[]): Promise<readonly WrittenEntry[]> {
  const entries = await loadEntries(ownFolders(folders), "isos.d", isoEntrySchema);
  return await Promise.all(entries.map(async ({ key, value, source }) => {
    const tree = parseYaml(await readTextIfThere(source) ?? "", source).value as Tree;
    const own = tree[key];
    return { key, file: source, own: isTree(own) ? own : {}, merged: value };
  }));
}

/** The file for a new entry: the one that was named, else isos.d/KEY.yml of the project or the user. */
export function newEntryFile(folders: readonly ConfigFolder[], key: string, named?: string): string {
  const [nearest] = ownFolders(folders);
  const folder = join(nearest?.path ?? ".", "isos.d");
  if (named === undefined) return join(folder, `${key}.yml`);
  const path = isAbsolute(named) ? named : join(folder, named);
  if (
    /\.ya?ml$/.test(path) &&
    ownFolders(folders).some((each) => join(each.path, "isos.d") === join(path, ".."))
  ) {
    return path;
  }
  throw new UsageError(`${named} is no file of the catalog`, {
    hint: `Name a file such as mine.yml; it is made in ${folder}.`,
  });
}

/** Checks an entry as the catalog does when it is read; throws {@linkcode UsageError} with what is wrong. */
export function checkFields(fields: Tree): IsoFields {
  return validate(isoEntrySchema, fields, () => "the entry");
}

/** The YAML of an entry. */
export function entryText(key: string, fields: IsoFields): string {
  return dump({ [key]: fields }, { lineWidth: -1 });
}

/** Adds an entry to a file, which is made if it is not there. */
export async function addEntry(file: string, key: string, fields: IsoFields): Promise<void> {
  const text = await readTextIfThere(file) ?? "";
  await replaceFile(file, appendEntry(text, file, entryText(key, fields)));
}

/** The text of a file after some of its texts are replaced; throws {@linkcode UsageError} where that cannot be done. */
export async function editedText(file: string, edits: readonly ScalarEdit[]): Promise<string> {
  return replaceScalars(await readTextIfThere(file) ?? "", file, edits);
}

/** Replaces some texts of a file's entries. */
export async function editEntry(file: string, edits: readonly ScalarEdit[]): Promise<void> {
  await replaceFile(file, await editedText(file, edits));
}

/** Takes an entry out of its file, and removes the file when nothing is left in it. */
export async function dropEntry(file: string, key: string): Promise<void> {
  const text = removeEntry(await readTextIfThere(file) ?? "", file, key);
  if (text.trim() === "") await removeIfThere(file);
  else await replaceFile(file, text);
}

/** Writes a file in the place where it really is, with the mode that it has. */
async function replaceFile(file: string, text: string): Promise<void> {
  const real = await Deno.realPath(file).catch(() => file);
  const mode = (await statIfThere(real))?.mode ?? 0o644;
  await writeFileAtomic(real, text, { mode: mode & 0o777 });
}
