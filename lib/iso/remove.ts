import { dirname } from "node:path";
import { HostError } from "../errors.ts";
import { exists, removeIfThere, tryLockFile } from "../files.ts";
import { loadCatalog } from "./catalog/catalog.ts";
import { type IsoEntry, locationOf, toIsoEntry } from "./catalog/entry.ts";
import { dropEntry, ownFolders, type WrittenEntry } from "./catalog/entry_file.ts";
import type { ConfigFolder } from "../config/folders.ts";
import { type IsoFiles, isoFolderFiles } from "./folder_files.ts";
import { lockPath } from "./record.ts";

/** What was removed with an entry. */
export interface Removal {
  readonly key: string;
  /** The file of isos.d that it was taken out of. */
  readonly file: string;
  readonly removed: readonly string[];
  readonly freedBytes: number;
}

/**
 * Takes an entry out of its file, and removes what pim has downloaded for it. A file that is used in place stays, and
 * so does one that another entry names. Throws {@linkcode HostError} while it is being downloaded.
 */
export async function removeIso(
  written: WrittenEntry,
  places: { readonly folders: readonly ConfigFolder[]; readonly isoDir: string },
  options: { readonly keepFile: boolean },
): Promise<Removal> {
  const { key, file, merged } = written;
  const entry = toIsoEntry(key, merged, dirname(file));
  const { isoDir } = places;
  await using _lock = await lockIfThere(entry, isoDir);
  await dropEntry(file, key);
  const left = await loadCatalog(ownFolders(places.folders));
  const found = options.keepFile || isNeeded(entry, left)
    ? undefined
    : (await isoFolderFiles(isoDir)).find((files) => isOf(files, entry));
  if (found === undefined) return { key, file, removed: [], freedBytes: 0 };
  for (const path of [...found.paths, found.lock]) await removeIfThere(path);
  return { key, file, removed: found.paths, freedBytes: found.bytes };
}

/** The name that the files of an entry have in the ISO folder. */
function isOf({ kind, name }: IsoFiles, entry: IsoEntry): boolean {
  const local = locationOf(entry).kind === "local";
  return local ? kind === "in place" && name === entry.key : kind === "stored" && name === entry.filename;
}

function isNeeded(entry: IsoEntry, left: readonly IsoEntry[]): boolean {
  if (locationOf(entry).kind === "local") return left.some(({ key }) => key === entry.key);
  return left.some((other) => locationOf(other).kind !== "local" && other.filename === entry.filename);
}

async function lockIfThere(entry: IsoEntry, isoDir: string): Promise<AsyncDisposable | undefined> {
  const path = lockPath(isoDir, entry.filename);
  if (locationOf(entry).kind === "local" || !(await exists(path))) return undefined;
  const lock = await tryLockFile(path);
  if (lock !== undefined) return lock;
  throw new HostError(`Cannot remove ${entry.key}: it is being downloaded`, {
    hint: "Wait for the end of the download, or end it.",
  });
}
