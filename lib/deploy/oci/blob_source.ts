import { open } from "node:fs/promises";
import { PimError } from "../../errors.ts";

/** Bytes that can be read from any place, also a second time. */
export interface BlobSource {
  readonly size: number;
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/** A file, or a part of it; dispose of it to close the file. */
export async function fileSource(path: string): Promise<BlobSource & AsyncDisposable> {
  const file = await open(path);
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
      const bytes = new Uint8Array(length);
      let begin = 0;
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

/** A source from an offset to its end, as a stream. */
export function streamOf(
  source: BlobSource,
  offset: number,
  pieceBytes: number,
  onRead?: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  let at = offset;
  return new ReadableStream({
    async pull(controller) {
      const length = Math.min(pieceBytes, source.size - at);
      if (length === 0) return controller.close();
      controller.enqueue(await source.read(at, length));
      at += length;
      onRead?.(at);
    },
  });
}
