import { createHash, type Hash } from "node:crypto";
import { CancelledError, messageOf, PimError } from "./errors.ts";

/** A hash algorithm that vouches for content. MD5 and SHA-1 are broken, so they are not here. */
export type Algorithm = "sha256" | "sha512";

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
  try {
    using file = await Deno.open(path);
    // While one piece is hashed, the next is read by another thread.
    let [current, next] = [new Uint8Array(pieceBytes), new Uint8Array(pieceBytes)];
    let reading = file.read(current);
    for (let bytes = 0;;) {
      const count = await reading;
      if (count === null) return hash.digest("hex");
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
