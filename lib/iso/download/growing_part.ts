import { messageOf, PimError } from "../../errors.ts";
import type { Algorithm } from "../verify/checksum.ts";
import { type HashThread, hashThread } from "../verify/hash_thread.ts";
import { type KnownPart, type PartFiles, type PartIdentity, removePartState } from "./part.ts";
import { takeNotes } from "./part_notes.ts";
import { addRange, type ByteRange, type ByteRanges, bytesIn, clipRanges, contiguousBytes } from "./ranges.ts";
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

/** What a .part file is made for. */
export interface PartPurpose {
  readonly files: PartFiles;
  readonly algorithm: Algorithm;
}

const roomBytes = 64 * 1024;

/** Opens a .part file in order to go on with what is known of it, or with nothing. */
export async function growPart(purpose: PartPurpose, known: KnownPart | undefined): Promise<GrowingPart> {
  const { files } = purpose;
  const file = await openPart(files, known === undefined);
  let identity = known?.state;
  let totalBytes = known?.state.total;
  let ranges: ByteRanges = known?.ranges ?? [];
  let thread = startThread(purpose, ranges);
  const notes = await takeNotes(files, file, known?.synced ?? [], () => ({ identity, ranges }));

  function note(range: ByteRange): void {
    const before = contiguousBytes(ranges);
    ranges = addRange(ranges, range);
    notes.touch();
    const after = contiguousBytes(ranges);
    if (after > before) thread.advance(after);
  }

  async function begin(next: PartIdentity | undefined, total: number | undefined): Promise<void> {
    const hadBytes = ranges.length > 0;
    [identity, totalBytes, ranges] = [undefined, total, []];
    await notes.clear();
    await file.truncate(0);
    if (hadBytes) {
      thread[Symbol.dispose]();
      thread = startThread(purpose, []);
    }
    identity = next;
    notes.touch();
    await notes.save();
  }

  async function finish(onHash: (bytes: number) => void): Promise<string> {
    notes.stop();
    const hashing = thread.finish(bytesIn(ranges), onHash);
    hashing.catch(() => {});
    await notes.save();
    await file.sync().catch((cause) => {
      throw writeError(files.part, cause);
    });
    return await hashing;
  }

  async function close(): Promise<void> {
    notes.stop();
    if (!await notes.save()) {
      // On a full disk the last bytes are given up, so that there is room to write down what came before them.
      const end = Math.max(0, (ranges.at(-1)?.end ?? 0) - roomBytes);
      ranges = clipRanges(ranges, end);
      notes.clip(end);
      await file.truncate(end);
      await notes.save();
    }
    thread[Symbol.dispose]();
    file.close();
  }

  return {
    get identity() {
      return identity;
    },
    get totalBytes() {
      return totalBytes;
    },
    get ranges() {
      return ranges;
    },
    get bytes() {
      return bytesIn(ranges);
    },
    end: () => void (totalBytes ??= bytesIn(ranges)),
    writer: (start) => partWriter(files, start, note),
    begin,
    finish,
    [Symbol.asyncDispose]: close,
  };
}

function startThread({ files, algorithm }: PartPurpose, ranges: ByteRanges): HashThread {
  const thread = hashThread(files.part, algorithm);
  const there = contiguousBytes(ranges);
  if (there > 0) thread.advance(there);
  return thread;
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
