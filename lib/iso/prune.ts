import { isLocked, removeIfThere, tryLockFile } from "../files.ts";
import { type IsoEntry, locationOf } from "./catalog/entry.ts";
import { type IsoFiles, isoFolderFiles } from "./folder_files.ts";

/** An ISO whose files go, or would go. */
export interface PrunedIso {
  readonly name: string;
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** What pruning did, or would do. */
export interface PruneResult {
  readonly removed: readonly PrunedIso[];
  /** Names of ISOs that stay because they are being downloaded. */
  readonly busy: readonly string[];
  readonly freedBytes: number;
}

/** Removes what pim has put into the ISO folder and no entry of the catalog names any more. */
export async function pruneIsos(
  entries: readonly IsoEntry[],
  isoDir: string,
  options: { readonly olderThanMs?: number; readonly dryRun?: boolean } = {},
): Promise<PruneResult> {
  const removed: PrunedIso[] = [];
  const busy: string[] = [];
  for (const files of isosToPrune(await isoFolderFiles(isoDir), entries, options.olderThanMs, Date.now())) {
    if (!(await removeUnlessBusy(files, options.dryRun ?? false))) busy.push(files.name);
    else if (files.paths.length > 0) {
      removed.push({ name: files.name, paths: files.paths, bytes: files.bytes });
    }
  }
  return { removed, busy, freedBytes: removed.reduce((sum, { bytes }) => sum + bytes, 0) };
}

/** Removes the files of an ISO, unless it is being downloaded: then it returns false. */
async function removeUnlessBusy({ paths, lock }: IsoFiles, dryRun: boolean): Promise<boolean> {
  if (dryRun) return !(await isLocked(lock));
  await using held = await tryLockFile(lock);
  if (held === undefined) return false;
  for (const path of paths) await removeIfThere(path);
  // Taking the lock may have made its file.
  await removeIfThere(lock);
  return true;
}

/** Those of the ISO folder's files that are pim's, that no entry names, and that are old enough. */
function isosToPrune(
  all: readonly IsoFiles[],
  entries: readonly IsoEntry[],
  olderThanMs: number | undefined,
  nowMs: number,
): readonly IsoFiles[] {
  const inPlace = entries.filter((entry) => locationOf(entry).kind === "local").map(({ key }) => key);
  const stored = entries.filter((entry) => locationOf(entry).kind !== "local").map(({ filename }) =>
    filename
  );
  return all.filter(({ name, kind, ours, changedMs }) =>
    ours && !(kind === "stored" ? stored : inPlace).includes(name) &&
    (olderThanMs === undefined || nowMs - changedMs > olderThanMs)
  );
}
