import { createHash, type Hash } from "node:crypto";
import { CancelledError, messageOf, PimError, UsageError } from "../../errors.ts";

/** A hash algorithm that vouches for content. MD5 and SHA-1 are broken, so they are not here. */
export type Algorithm = "sha256" | "sha512";

/** The checksum of a file. */
export interface Checksum {
  readonly algorithm: Algorithm;
  /** Lower-case hexadecimal. */
  readonly hash: string;
}

/** One line of a checksum file; a file with a bare hash has no name. */
export interface ChecksumLine extends Checksum {
  readonly filename: string | undefined;
}

const hexLength: Record<Algorithm, number> = { sha256: 64, sha512: 128 };

/** A checksum as it is written in a catalog: "sha256:…", "sha512:…", or the bare hash. */
export function parseChecksum(text: string): Checksum {
  const checksum = readChecksum(text);
  if (checksum !== undefined) return checksum;
  throw new UsageError(`${JSON.stringify(text)} is no checksum`, {
    hint: `Write "sha256:" and 64 hexadecimal digits, or "sha512:" and 128.`,
  });
}

/** Whether {@linkcode parseChecksum} takes this text. */
export function isChecksum(text: string): boolean {
  return readChecksum(text) !== undefined;
}

function readChecksum(text: string): Checksum | undefined {
  const [, name, hash = ""] = /^(?:(sha256|sha512)[:=])?([0-9a-f]+)$/i.exec(text.trim()) ?? [];
  const algorithm = byLength(hash);
  if (algorithm === undefined || (name !== undefined && name.toLowerCase() !== algorithm)) return undefined;
  return { algorithm, hash: hash.toLowerCase() };
}

/** A checksum as {@linkcode parseChecksum} reads it. */
export function formatChecksum({ algorithm, hash }: Checksum): string {
  return `${algorithm}:${hash}`;
}

function byLength(hash: string): Algorithm | undefined {
  return hash.length === hexLength.sha256
    ? "sha256"
    : hash.length === hexLength.sha512
    ? "sha512"
    : undefined;
}

/**
 * The lines of a checksum file: as sha256sum writes them ("HASH  NAME", "HASH *NAME"), as BSD and openssl do
 * ("SHA256 (NAME) = HASH", "SHA2-256(NAME)= HASH"), or a bare hash. Everything else is skipped: comments, other
 * algorithms, a signature around them.
 */
export function parseChecksumFile(text: string): readonly ChecksumLine[] {
  return text.split(/\r?\n/).map((line) => bsdLine(line) ?? gnuLine(line)).filter((line) =>
    line !== undefined
  );
}

function bsdLine(line: string): ChecksumLine | undefined {
  const [, bits, filename, digits = ""] =
    /^SHA(?:2-|-)?(256|512) ?\((.+)\) ?= ?([0-9a-f]+)\s*$/i.exec(line) ?? [];
  const algorithm = byLength(digits);
  // A hash that is too short for its algorithm is damaged, not one of another algorithm.
  return algorithm === undefined || algorithm !== `sha${bits}`
    ? undefined
    : { algorithm, hash: digits.toLowerCase(), filename };
}

function gnuLine(line: string): ChecksumLine | undefined {
  const [, digits = "", filename] = /^([0-9a-f]+)(?:[ \t]+\*?(.+?))?\s*$/i.exec(line) ?? [];
  const algorithm = byLength(digits);
  return algorithm === undefined ? undefined : { algorithm, hash: digits.toLowerCase(), filename };
}

/** The checksum of a file among the lines of a checksum file; the stronger one where there are two. */
export function pickChecksum(lines: readonly ChecksumLine[], filename: string): Checksum | undefined {
  const base = (name: string | undefined) => name?.split("/").at(-1);
  const named = lines.filter((line) => line.filename === filename);
  const matching = named.length > 0 ? named : lines.filter((line) => base(line.filename) === filename);
  const bare = lines.length === 1 && lines[0]?.filename === undefined ? lines : [];
  const candidates = matching.length > 0 ? matching : bare;
  return candidates.find((line) => line.algorithm === "sha512") ?? candidates[0];
}

/** A hash that is fed piece by piece. */
export function startHash(algorithm: Algorithm): Hash {
  return createHash(algorithm);
}

/** Options of {@linkcode hashFile}. */
export interface HashOptions {
  signal?: AbortSignal;
  /** Called after each piece with the bytes hashed so far. */
  onProgress?: (bytes: number) => void;
}

const pieceBytes = 2 * 1024 * 1024;

/** The hash of a file in hexadecimal. */
export async function hashFile(
  path: string,
  algorithm: Algorithm,
  options: HashOptions = {},
): Promise<string> {
  const hash = startHash(algorithm);
  await feedHash(path, hash, options);
  return hash.digest("hex");
}

/** Feeds a whole file to a hash and returns its size in bytes. */
export async function feedHash(path: string, hash: Hash, options: HashOptions = {}): Promise<number> {
  try {
    using file = await Deno.open(path);
    // While one piece is hashed, the next is read by another thread.
    let [current, next] = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)];
    let reading = file.read(current);
    for (let bytes = 0;;) {
      const count = await reading;
      if (count === null) return bytes;
      if (options.signal?.aborted) throw new CancelledError();
      reading = file.read(next);
      hash.update(current.subarray(0, count));
      bytes += count;
      options.onProgress?.(bytes);
      [current, next] = [next, current];
    }
  } catch (cause) {
    if (cause instanceof PimError) throw cause;
    throw new PimError(`Cannot hash ${path}: ${messageOf(cause)}`, { cause });
  }
}
