import { createHash } from "node:crypto";
import { PimError } from "../../errors.ts";
import { writeAll } from "../../output.ts";
import { readTarHeader, recordBytes, tarPadding } from "./tar.ts";

/** A disk that was taken out of a layer. */
export interface TakenDisk {
  readonly bytes: number;
  readonly sha256: string;
}

/** Takes the first file of the folder disk/ out of a tar archive and writes it to a path; undefined when there is none. */
export async function takeDisk(
  archive: AsyncIterable<Uint8Array>,
  path: string,
): Promise<TakenDisk | undefined> {
  const input = new ByteReader(archive);
  try {
    for (;;) {
      const header = await input.exactly(recordBytes);
      const entry = header && readTarHeader(header);
      if (entry === undefined) return undefined;
      const isDisk = (entry.type === "0" || entry.type === "7") && /^(\.?\/)?disk\/[^/]+$/.test(entry.path);
      if (isDisk) return await writeDisk(input, entry.size, path);
      await input.pass(entry.size + tarPadding(entry.size), async () => {});
    }
  } finally {
    await input.close();
  }
}

async function writeDisk(input: ByteReader, size: number, path: string): Promise<TakenDisk> {
  const hash = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o644 });
  await input.pass(size, async (piece) => {
    hash.update(piece);
    await writeAll(file, piece);
  });
  await file.sync();
  return { bytes: size, sha256: hash.digest("hex") };
}

/** Reads exact numbers of bytes from pieces of any size. */
class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** So many bytes; undefined at the end. */
  async exactly(count: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      if (this.#rest.length === 0 && !await this.#more()) {
        if (at === 0) return undefined;
        throw new PimError("the layer breaks off");
      }
      const part = this.#rest.subarray(0, count - at);
      bytes.set(part, at);
      at += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return bytes;
  }

  /** Hands on so many bytes; throws when there are fewer. */
  async pass(count: number, to: (piece: Uint8Array) => Promise<void>): Promise<void> {
    for (let left = count; left > 0;) {
      if (this.#rest.length === 0 && !await this.#more()) throw new PimError("the layer breaks off");
      const part = this.#rest.subarray(0, left);
      await to(part);
      left -= part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}
