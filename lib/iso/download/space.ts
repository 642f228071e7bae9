import { statfs } from "node:fs/promises";
import { HostError } from "../../errors.ts";

/** Throws {@linkcode HostError} when a file system has less free space than is needed. */
export async function checkSpace(folder: string, neededBytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes) return;
  const { default: prettyBytes } = await import("pretty-bytes");
  const show = (bytes: number) => prettyBytes(bytes, { binary: true });
  throw new HostError(
    `No space for ${what}: ${show(neededBytes)} are needed and ${show(freeBytes)} are free in ${folder}; ` +
      `${show(neededBytes - freeBytes)} are missing`,
    { hint: "Free some space there, or set iso.iso_dir in pim.yml to another folder." },
  );
}
