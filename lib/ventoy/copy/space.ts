import { statfs } from "node:fs/promises";
import { PimError } from "../../errors.ts";

// Ventoy formats large sticks with clusters of 128 KiB.
const clusterBytes = 128 * 1024;
const reserveBytes = 4 * 1024 * 1024;

/** The room that files of these sizes take on a stick, with some for folders and answer files. */
function roomFor(sizes: readonly number[]): number {
  return sizes.reduce((sum, bytes) => sum + Math.ceil(bytes / clusterBytes) * clusterBytes, reserveBytes);
}

/** Size and free space of the file system at a folder. */
export async function spaceAt(
  folder: string,
): Promise<{ readonly bytes: number; readonly freeBytes: number }> {
  const { blocks, bavail, bsize } = await statfs(folder);
  return { bytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** Throws when files of these sizes do not all fit on a stick; before the first of them is written. */
export async function checkRoom(folder: string, sizes: readonly number[]): Promise<void> {
  const neededBytes = roomFor(sizes);
  const { freeBytes } = await spaceAt(folder);
  if (freeBytes >= neededBytes) return;
  const { default: prettyBytes } = await import("pretty-bytes");
  const show = (bytes: number) => prettyBytes(bytes, { binary: true });
  throw new PimError(
    `The stick is too full: ${show(neededBytes)} are needed and ${
      show(freeBytes)
    } are free; nothing was copied`,
    { hint: `Remove something from ${folder} (see: pim ventoy status), or take a larger stick.` },
  );
}
