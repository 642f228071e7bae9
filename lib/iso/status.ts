import type { IsoEntry } from "./catalog/entry.ts";
import { partBytes, partFiles } from "./download/part.ts";
import type { Checksum } from "./verify/checksum.ts";
import { isoPath, type IsoRecord, readRecord } from "./record.ts";

/** The state of an ISO's file, as far as it can be told without reading it. */
export type IsoStatus =
  | { readonly state: "missing" }
  /** A download that was broken off; `bytes` are there. */
  | { readonly state: "partial"; readonly bytes: number }
  /** There, but never compared with the entry's checksum; `known` is the hash of its content if that was taken. */
  | {
    readonly state: "present-unverified";
    readonly bytes: number;
    readonly known: Checksum | undefined;
  }
  | { readonly state: "verified"; readonly bytes: number; readonly checksum: Checksum }
  /** Its content does not have the entry's checksum. */
  | {
    readonly state: "wrong";
    readonly bytes: number;
    readonly checksum: Checksum;
    readonly expected: string;
  }
  /** Size or time differ from those of the file that was verified. */
  | { readonly state: "changed"; readonly bytes: number };

/** The state of an ISO, from a remembered verification: instant, whatever its size. */
export async function isoStatus(entry: IsoEntry, isoDir: string): Promise<IsoStatus> {
  const path = isoPath(entry, isoDir);
  const info = await statIfThere(path);
  if (info === undefined) {
    const bytes = await partBytes(partFiles(path));
    return bytes === undefined ? { state: "missing" } : { state: "partial", bytes };
  }
  const record = await readRecord(entry, isoDir);
  const bytes = info.size;
  if (record === undefined || record.path !== path) {
    return { state: "present-unverified", bytes, known: undefined };
  }
  if (record.bytes !== bytes || record.mtimeMs !== mtimeMs(info)) return { state: "changed", bytes };
  return judge(entry, record);
}

function judge(entry: IsoEntry, record: IsoRecord): IsoStatus {
  const { bytes, algorithm, hash } = record;
  const checksum = { algorithm, hash };
  const unverified: IsoStatus = { state: "present-unverified", bytes, known: checksum };
  const compare = (expected: string): IsoStatus =>
    expected === hash
      ? { state: "verified", bytes, checksum }
      : { state: "wrong", bytes, checksum, expected };
  if (entry.checksum !== undefined) {
    return entry.checksum.algorithm === algorithm ? compare(entry.checksum.hash) : unverified;
  }
  // What a checksum file said counts for as long as the entry names the same file there.
  const same = record.url === entry.url && record.checksumUrl === entry.checksumUrl;
  return entry.checksumUrl !== undefined && same && record.expected !== undefined
    ? compare(record.expected)
    : unverified;
}

/** What the file system says of a path, or undefined. */
export async function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}

/** The time of the last change in milliseconds, 0 where there is none. */
export function mtimeMs(info: Deno.FileInfo): number {
  return info.mtime?.getTime() ?? 0;
}
