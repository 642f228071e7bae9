import { createHash, type Hash } from "node:crypto";
import { CancelledError } from "../errors.ts";
import type { ActionContext } from "./target.ts";

/** What goes with a file as the body of a request. */
export interface FileBodyOptions extends Pick<ActionContext, "signal" | "progress"> {
  /** Bytes before and after the file's own. */
  readonly before?: Uint8Array;
  readonly after?: Uint8Array;
  /** Digests of the file to take while it is sent, such as "sha256". */
  readonly algorithms?: readonly string[];
}

/** A file as the body of a request. */
export interface FileBody {
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
  /** A digest, in hexadecimal, of what was sent when it was last sent as a whole. */
  digest(algorithm: string): string | undefined;
}

const pieceBytes = 1024 * 1024;

/** A file as the body of a request, read piece by piece as it is sent. */
export async function fileBody(path: string, options: FileBodyOptions): Promise<FileBody> {
  const { size } = await Deno.stat(path);
  const { before = new Uint8Array(), after = new Uint8Array(), algorithms = [] } = options;
  const digests = new Map<string, string>();
  return {
    bytes: before.length + size + after.length,
    async *pieces() {
      digests.clear();
      const hashes = algorithms.map((algorithm) => [algorithm, createHash(algorithm)] as const);
      if (before.length > 0) yield before;
      yield* filePieces(path, size, hashes.map(([, hash]) => hash), options);
      for (const [algorithm, hash] of hashes) digests.set(algorithm, hash.digest("hex"));
      if (after.length > 0) yield after;
    },
    digest: (algorithm) => digests.get(algorithm),
  };
}

async function* filePieces(
  path: string,
  size: number,
  hashes: readonly Hash[],
  { signal, progress }: FileBodyOptions,
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  for (let done = 0; done < size;) {
    if (signal.aborted) throw new CancelledError();
    // A piece of its own each time: what was sent before may still be on its way.
    const buffer = new Uint8Array(Math.min(pieceBytes, size - done));
    const count = await file.read(buffer);
    if (count === null) throw new Error(`${path} became shorter while it was read`);
    const piece = buffer.subarray(0, count);
    for (const hash of hashes) hash.update(piece);
    yield piece;
    done += count;
    progress(done, size);
  }
}
