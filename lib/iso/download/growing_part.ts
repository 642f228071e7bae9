import { messageOf, PimError } from "../../errors.ts";
import { type KnownPart, type PartFiles, type PartIdentity, removePartState } from "./part.ts";
import { PartContent, type PartPurpose } from "./part_content.ts";
import { type PartNotes, takeNotes } from "./part_notes.ts";
import type { ByteRange, ByteRanges } from "./ranges.ts";
import { writeError } from "./space.ts";

/** A .part file that grows, wherever its bytes come in, and is hashed meanwhile. Dispose of it to close it. */
export interface GrowingPart extends AsyncDisposable {
  /** Undefined when nothing is there, or what is there could not be continued. */
  readonly identity: PartIdentity | undefined;
  /** Size of the whole file, if it is known. */
  readonly totalBytes: number | undefined;
  readonly ranges: ByteRanges;
  readonly bytes: number;
  /** Empties it, for a file that has this identity, or none, and this size. */
  begin(identity: PartIdentity | undefined, totalBytes: number | undefined): Promise<void>;
  /** Says that all has come, of a file whose size was not known. */
  end(): void;
  /** Opens it for writing from a place on. */
  writer(start: number): Promise<PartWriter>;
  /** Waits until all is on the disk and hashed; returns the hash. */
  finish(onHash: (bytes: number) => void): Promise<string>;
}

/** A place in a .part file where bytes come in; dispose of it to close it. */
export interface PartWriter extends Disposable {
  write(bytes: Uint8Array): Promise<void>;
}

const roomBytes = 64 * 1024;

/** Opens a .part file in order to go on with what is known of it, or with nothing. */
export async function growPart(purpose: PartPurpose, known: KnownPart | undefined): Promise<GrowingPart> {
  const { files } = purpose;
  const file = await openPart(files, known === undefined);
  const content = new PartContent(purpose, known);
  const notes = await takeNotes(files, file, known?.synced ?? [], () => content);
  return new OpenPart(files, file, content, notes);
}

class OpenPart implements GrowingPart {
  readonly #files: PartFiles;
  readonly #file: Deno.FsFile;
  readonly #content: PartContent;
  readonly #notes: PartNotes;

  constructor(files: PartFiles, file: Deno.FsFile, content: PartContent, notes: PartNotes) {
    this.#files = files;
    this.#file = file;
    this.#content = content;
    this.#notes = notes;
  }

  get identity(): PartIdentity | undefined {
    return this.#content.identity;
  }

  get totalBytes(): number | undefined {
    return this.#content.totalBytes;
  }

  get ranges(): ByteRanges {
    return this.#content.ranges;
  }

  get bytes(): number {
    return this.#content.bytes;
  }

  async begin(identity: PartIdentity | undefined, totalBytes: number | undefined): Promise<void> {
    const hadBytes = this.#content.empty(totalBytes);
    await this.#notes.clear();
    await this.#file.truncate(0);
    if (hadBytes) this.#content.hashAnew();
    this.#content.identity = identity;
    this.#notes.touch();
    await this.#notes.save();
  }

  end(): void {
    this.#content.totalBytes ??= this.#content.bytes;
  }

  async writer(start: number): Promise<PartWriter> {
    return await partWriter(this.#files, start, (range) => {
      this.#content.add(range);
      this.#notes.touch();
    });
  }

  async finish(onHash: (bytes: number) => void): Promise<string> {
    this.#notes.stop();
    const hashing = this.#content.hash(onHash);
    hashing.catch(() => {});
    await this.#notes.save();
    await this.#file.sync().catch((cause) => {
      throw writeError(this.#files.part, cause);
    });
    return await hashing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#notes.stop();
    if (!await this.#notes.save()) {
      // On a full disk the last bytes are given up, so that there is room to write down what came before them.
      const end = Math.max(0, (this.ranges.at(-1)?.end ?? 0) - roomBytes);
      this.#content.clip(end);
      this.#notes.clip(end);
      await this.#file.truncate(end);
      await this.#notes.save();
    }
    this.#content[Symbol.dispose]();
    this.#file.close();
  }
}

async function openPart(files: PartFiles, truncate: boolean): Promise<Deno.FsFile> {
  try {
    if (truncate) await removePartState(files);
    return await Deno.open(files.part, { write: true, create: true, truncate });
  } catch (cause) {
    throw new PimError(`Cannot write ${files.part}: ${messageOf(cause)}`, { cause });
  }
}

async function partWriter(
  files: PartFiles,
  start: number,
  note: (range: ByteRange) => void,
): Promise<PartWriter> {
  const file = await Deno.open(files.part, { write: true });
  await file.seek(start, Deno.SeekMode.Start);
  let at = start;
  return {
    async write(bytes) {
      try {
        for (let done = 0; done < bytes.length;) {
          const count = await file.write(bytes.subarray(done));
          done += count;
          note({ start: at, end: at += count });
        }
      } catch (cause) {
        throw writeError(files.part, cause);
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}
