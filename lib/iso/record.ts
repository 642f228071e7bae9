import { join } from "node:path";
import * as v from "valibot";
import { readTextIfThere, removeIfThere, writeFileAtomic } from "../files.ts";
import { log } from "../log.ts";
import { type IsoEntry, locationOf } from "./catalog/entry.ts";
import type { SignatureRule } from "./catalog/rules.ts";
import type { Signer } from "./verify/signature.ts";

const schema = v.object({
  path: v.string(),
  bytes: v.number(),
  mtimeMs: v.number(),
  algorithm: v.picklist(["sha256", "sha512"]),
  hash: v.string(),
  url: v.string(),
  checksumUrl: v.optional(v.string()),
  expected: v.optional(v.string()),
  signature: v.optional(v.object({
    fingerprint: v.string(),
    userId: v.string(),
    madeAt: v.string(),
    need: v.string(),
  })),
});

/** What is remembered of an ISO file whose content was hashed once. */
export interface IsoRecord {
  readonly path: string;
  readonly bytes: number;
  readonly mtimeMs: number;
  readonly algorithm: "sha256" | "sha512";
  /** The hash that the content had. */
  readonly hash: string;
  /** Where the entry said that it comes from. */
  readonly url: string;
  readonly checksumUrl?: string | undefined;
  /** The hash that it should have had; nothing when no checksum was known. */
  readonly expected?: string | undefined;
  /** Who signed the checksum file, where somebody had to. */
  readonly signature?: RecordedSignature | undefined;
}

/** A signature that held, and what it had to fulfil. */
export interface RecordedSignature extends Signer {
  readonly need: string;
}

/** What an entry asks of a signature, in a form that can be compared: with another need, what was found says nothing. */
export function signatureNeed({ url, keys }: SignatureRule): { readonly need: string } {
  return { need: JSON.stringify([url, ...keys]) };
}

/** The path of an ISO: the user's own file where it is used in place, else the file in the ISO folder. */
export function isoPath(entry: IsoEntry, isoDir: string): string {
  const location = locationOf(entry);
  return location.kind === "local" ? location.path : join(isoDir, entry.filename);
}

/** The file that remembers the verification of an ISO. */
function recordPath(entry: IsoEntry, isoDir: string): string {
  // Two files used in place may have the same name in different folders; the key tells them apart.
  const name = locationOf(entry).kind === "local" ? `${encodeURIComponent(entry.key)}.local` : entry.filename;
  return join(isoDir, `${name}.json`);
}

/** The file that is locked while an ISO of this name is downloaded into the ISO folder. */
export function lockPath(isoDir: string, filename: string): string {
  return join(isoDir, `.${filename}.lock`);
}

/** The record of an ISO; undefined when there is none or it is damaged, which costs one more verification. */
export async function readRecord(entry: IsoEntry, isoDir: string): Promise<IsoRecord | undefined> {
  return await readRecordFile(recordPath(entry, isoDir));
}

/** The record in a file; undefined when there is none, or none that can be read. */
export async function readRecordFile(path: string): Promise<IsoRecord | undefined> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    log.debug(`${path} is damaged and is ignored`);
    return undefined;
  }
}

/** Remembers what an ISO file was found to be. */
export async function writeRecord(entry: IsoEntry, isoDir: string, record: IsoRecord): Promise<void> {
  await writeFileAtomic(recordPath(entry, isoDir), JSON.stringify(record, null, 2) + "\n");
}

/** Forgets what was known of an ISO file. */
export async function removeRecord(entry: IsoEntry, isoDir: string): Promise<void> {
  await removeIfThere(recordPath(entry, isoDir));
}
