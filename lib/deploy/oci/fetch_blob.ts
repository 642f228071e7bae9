import { createHash, type Hash } from "node:crypto";
import { exitCode } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import type { Descriptor } from "./manifests.ts";
import { plainUrl } from "./registry_request.ts";
import type { Repository } from "./repository.ts";

/** Where the bytes of a blob go. */
export interface BlobSink {
  write(piece: Uint8Array, offset: number): Promise<void>;
  /** Called with the number of bytes that came just now. */
  readonly onBytes?: (bytes: number) => void;
  /** What is there already, and the hash of it. */
  readonly had?: { readonly bytes: number; readonly hash: Hash };
}

/** Reads a blob and checks it against its digest; what breaks off goes on where it was. Throws HttpError. */
export async function fetchBlob(
  repository: Repository,
  { digest, size }: Pick<Descriptor, "digest" | "size">,
  { write, onBytes, had }: BlobSink,
): Promise<void> {
  const hash = had?.hash ?? createHash("sha256");
  let at = had?.bytes ?? 0;
  let before = at;
  const attempt = async () => {
    if (at === size) return;
    const { response, url } = await repository.readBlob(digest, at);
    // A registry may send all of it, whatever it was asked for.
    let skip = response.status === 206 ? 0 : at;
    if (response.status === 206 && !response.headers.get("content-range")?.startsWith(`bytes ${at}-`)) {
      response.drop();
      throw new HttpError(`${repository.client.host} sent another part of a blob than it was asked for`);
    }
    for await (const all of collected(response.pieces())) {
      const piece = all.subarray(Math.min(skip, all.length));
      skip -= all.length - piece.length;
      if (piece.length === 0) continue;
      if (at + piece.length > size) throw wrongBlob(repository, digest);
      hash.update(piece);
      await write(piece, at);
      at += piece.length;
      onBytes?.(piece.length);
    }
    if (at < size) {
      throw new HttpError(`Cannot fetch ${plainUrl(url)}: the connection broke off`, { retryable: true });
    }
  };
  await repository.client.retry(attempt, () => {
    const more = at > before;
    before = at;
    return more;
  });
  if (`sha256:${hash.digest("hex")}` !== digest) throw wrongBlob(repository, digest);
}

const collectBytes = 1024 * 1024;

/** Larger pieces of small ones: each costs a hash and a write. What came before a failure comes before it here, too. */
async function* collected(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let buffer = new Uint8Array(collectBytes);
  let filled = 0;
  let failure: { readonly error: unknown } | undefined;
  try {
    for await (let piece of pieces) {
      while (piece.length > 0) {
        const part = piece.subarray(0, buffer.length - filled);
        buffer.set(part, filled);
        filled += part.length;
        piece = piece.subarray(part.length);
        if (filled < buffer.length) continue;
        yield buffer;
        buffer = new Uint8Array(collectBytes);
        filled = 0;
      }
    }
  } catch (error) {
    failure = { error };
  }
  if (filled > 0) yield buffer.subarray(0, filled);
  if (failure !== undefined) throw failure.error;
}

function wrongBlob({ client, name }: Repository, digest: string): HttpError {
  return new HttpError(`${client.host} sent something else than the blob ${digest} of ${name}`, {
    exitCode: exitCode.checksum,
    hint: "It was not kept. Pull again; if it stays so, push the image again.",
  });
}
