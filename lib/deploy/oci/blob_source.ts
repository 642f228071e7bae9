import { open } from "node:fs/promises";
import { messageOf, PimError } from "../../errors.ts";

/** Bytes that can be read from any place, also a second time. */
export interface BlobSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file, or a part of it; dispose of it to close the file. */
export async function fileSource(path: string): Promise<BlobSource & AsyncDisposable> {
  const file = await open(path).catch((cause) => {
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  });
  const { size } = await file.stat();
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      for (let count = 0; count < length;) {
        const { bytesRead } = await file.read(bytes, count, length - count, offset + count);
        if (bytesRead === 0) throw new PimError(`${path} has become shorter while it was read`);
        count += bytesRead;
      }
      return bytes;
    },
    [Symbol.asyncDispose]: () => file.close(),
  };
}

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array<ArrayBuffer>): BlobSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
}

/** Several sources, one after the other. */
export function joinedSource(parts: readonly BlobSource[]): BlobSource {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return {
    size,
    async read(offset, length) {
      let begin = 0;
      for (const part of parts) {
        if (offset >= begin && offset + length <= begin + part.size) {
          return await part.read(offset - begin, length);
        }
        begin += part.size;
      }
      const bytes = new Uint8Array(length);
      begin = 0;
      for (const part of parts) {
        const from = Math.max(offset, begin);
        const to = Math.min(offset + length, begin + part.size);
        if (from < to) bytes.set(await part.read(from - begin, to - from), from - offset);
        begin += part.size;
      }
      return bytes;
    },
  };
}

/** A source from its beginning in pieces of one size. */
export async function* piecesOf(
  source: BlobSource,
  pieceBytes: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < source.size; at += pieceBytes) {
    yield await source.read(at, Math.min(pieceBytes, source.size - at));
  }
}
