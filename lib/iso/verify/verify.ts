import { exitCode, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { type IsoEntry, locationOf } from "../catalog/entry.ts";
import type { RateLimit } from "../download/rate_limit.ts";
import { type Checksum, formatChecksum, hashFile } from "./checksum.ts";
import { type Expected, expectedChecksum, type ExpectedOptions } from "./expected.ts";
import { hashInThread } from "./hash_thread.ts";
import { isoPath, signatureNeed, writeRecord } from "../record.ts";
import { isoStatus, mtimeMs, statIfThere } from "../status.ts";

/** An ISO that is on this host and can be used. */
export interface IsoFile {
  readonly key: string;
  readonly path: string;
  readonly bytes: number;
  /** The hash of its content. */
  readonly checksum: Checksum;
  /** Whether that hash is the one that the catalog or the distribution names. */
  readonly verified: boolean;
}

/** How far a long operation on an ISO has got. */
export interface IsoProgress {
  readonly key: string;
  readonly phase: "download" | "hash";
  readonly bytes: number;
  /** Undefined when the server does not say. */
  readonly totalBytes: number | undefined;
}

/** Options of everything that reads or fetches an ISO. */
export interface IsoOptions extends ExpectedOptions {
  onProgress?: (progress: IsoProgress) => void;
  /** How many connections fetch one file at the same time; 4 unless given. */
  connections?: number;
  /** Shared by all files of a process. */
  rateLimit?: RateLimit;
  /** How much one of several connections fetches at a time; 16 MiB unless given. */
  stretchBytes?: number;
}

/** An ISO whose file is as it was when its checksum was found to be right: instant, whatever its size. */
export async function recordedIso(entry: IsoEntry, isoDir: string): Promise<IsoFile | undefined> {
  const status = await isoStatus(entry, isoDir);
  if (status.state !== "verified") return undefined;
  const { bytes, checksum } = status;
  return { key: entry.key, path: isoPath(entry, isoDir), bytes, checksum, verified: true };
}

/**
 * Makes sure that an ISO's file has the right content; throws a PimError with exit code 5 when it has not.
 * Without `full`, an earlier verification counts as long as the file looks the same.
 */
export async function verifyIso(
  entry: IsoEntry,
  isoDir: string,
  options: IsoOptions & { full?: boolean } = {},
): Promise<IsoFile> {
  const path = isoPath(entry, isoDir);
  const recorded = options.full ? undefined : await recordedIso(entry, isoDir);
  if (recorded !== undefined) return recorded;
  if (await statIfThere(path) === undefined) throw missingError(entry, path);
  const expected = await expectedChecksum(entry, options);
  const file = await hashIso(entry, isoDir, expected, options);
  if (expected === undefined) warnUnverified(entry, file.checksum);
  if (expected !== undefined && !file.verified) throw checksumError(entry, path, expected, file.checksum);
  return file;
}

// To start a thread takes about as long as to hash so much.
const threadBytes = 64 * 1024 * 1024;

/** Hashes an ISO's file, compares it with what is expected and remembers the result. */
export async function hashIso(
  entry: IsoEntry,
  isoDir: string,
  expected: Expected | undefined,
  options: IsoOptions = {},
): Promise<IsoFile> {
  const path = isoPath(entry, isoDir);
  const before = await statIfThere(path);
  if (before === undefined) throw missingError(entry, path);
  const algorithm = expected?.algorithm ?? "sha256";
  const hashOptions = {
    signal: options.signal,
    onProgress: (bytes: number) =>
      options.onProgress?.({ key: entry.key, phase: "hash", bytes, totalBytes: before.size }),
  };
  const hash = before.size < threadBytes
    ? await hashFile(path, algorithm, hashOptions)
    : await hashInThread(path, algorithm, before.size, hashOptions);
  const checksum = { algorithm, hash };
  await remember(entry, isoDir, before, checksum, expected);
  return { key: entry.key, path, bytes: before.size, checksum, verified: expected?.hash === hash };
}

/** Writes down which content a file had, so that it need not be read again until it looks different. */
export async function remember(
  entry: IsoEntry,
  isoDir: string,
  info: Deno.FileInfo,
  checksum: Checksum,
  expected: Expected | undefined,
): Promise<void> {
  await writeRecord(entry, isoDir, {
    path: isoPath(entry, isoDir),
    bytes: info.size,
    mtimeMs: mtimeMs(info),
    ...checksum,
    url: entry.url,
    checksumUrl: entry.checksumUrl,
    expected: expected?.hash,
    signature: expected?.signer && entry.signature &&
      { ...expected.signer, ...signatureNeed(entry.signature) },
  });
}

/** Says that nothing vouches for an ISO, and what to write so that this one stays as it is. */
export function warnUnverified(entry: IsoEntry, checksum: Checksum): void {
  log.warn(
    `${entry.key} has neither checksum nor checksum_url, so it is used unverified; ` +
      `to pin this content, write: checksum: "${formatChecksum(checksum)}"`,
  );
}

/** The error for an ISO with the wrong content. */
export function checksumError(entry: IsoEntry, what: string, expected: Checksum, actual: Checksum): PimError {
  const local = locationOf(entry).kind === "local";
  return new PimError(
    `${what} is not the ISO that ${entry.key} names: its ${actual.algorithm} is ${actual.hash}, ` +
      `and should be ${expected.hash}`,
    {
      exitCode: exitCode.checksum,
      hint: local
        ? "Replace the file, or correct `checksum` in isos.d."
        : `Download it again with \`pim iso download ${entry.key}\`; if that fails too, check url and checksum in isos.d.`,
    },
  );
}

function missingError(entry: IsoEntry, path: string): PimError {
  const local = locationOf(entry).kind === "local";
  return new PimError(`The ISO ${entry.key} is not there: ${path} does not exist`, {
    exitCode: exitCode.download,
    hint: local ? "Correct `url` in isos.d." : `Type: pim iso download ${entry.key}`,
  });
}
