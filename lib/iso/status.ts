import type { IsoEntry } from "./catalog/entry.ts";
import type { SignatureRule } from "./catalog/rules.ts";
import { partBytes, partFiles } from "./download/part.ts";
import type { Checksum } from "./verify/checksum.ts";
import { isoPath, type IsoRecord, readRecord, signatureNeed } from "./record.ts";
import type { Signer } from "./verify/signature.ts";

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
  | {
    readonly state: "verified";
    readonly bytes: number;
    readonly checksum: Checksum;
    /** Who vouches for the checksum, where the entry says who must. */
    readonly signer: Signer | undefined;
  }
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
  const signer = entry.signature && signerOf(entry.signature, record);
  const compare = (expected: string): IsoStatus =>
    expected === hash
      ? { state: "verified", bytes, checksum, signer }
      : { state: "wrong", bytes, checksum, expected };
  // What a checksum file said counts for as long as the entry names the same file there.
  const same = record.url === entry.url && record.checksumUrl === entry.checksumUrl;
  const said = same ? record.expected : undefined;
  // A checksum that must be signed is worth nothing before its signature was verified.
  if (entry.signature !== undefined && (signer === undefined || said === undefined)) return unverified;
  if (entry.checksum !== undefined) {
    const signed = entry.signature === undefined || said === entry.checksum.hash;
    return entry.checksum.algorithm === algorithm && signed ? compare(entry.checksum.hash) : unverified;
  }
  return entry.checksumUrl !== undefined && said !== undefined ? compare(said) : unverified;
}

/** Who has signed what a record knows, if that is what the entry asks for. */
function signerOf(rule: SignatureRule, { signature }: IsoRecord): Signer | undefined {
  if (signature === undefined || signature.need !== signatureNeed(rule).need) return undefined;
  const { fingerprint, userId, madeAt } = signature;
  return { fingerprint, userId, madeAt };
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
