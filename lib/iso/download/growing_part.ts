import { messageOf, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import type { Algorithm } from "../verify/checksum.ts";
import { type HashThread, hashThread } from "../verify/hash_thread.ts";
import { bootId } from "./boot.ts";
import { type KnownPart, type PartFiles, type PartState, removePartState, writePartState } from "./part.ts";
import { addRange, type ByteRange, type ByteRanges, bytesIn, clipRanges, contiguousBytes } from "./ranges.ts";
import { writeError } from "./space.ts";

/** What a .part file is of: all that is needed to continue it, but for its bytes. */
export type PartIdentity = KnownPart["state"];

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

const saveIntervalMs = 250;
// A sync of all that came meanwhile: not too often, nor so seldom that much is lost with the power.
const saveIntervalsPerSync = 20;
const roomBytes = 64 * 1024;

/** Opens a .part file in order to go on with what is known of it, or with nothing. */
export async function growPart(purpose: PartPurpose, known: KnownPart | undefined): Promise<GrowingPart> {
  const { files } = purpose;
  const file = await openPart(files, known === undefined);
  const boot = await bootId();
  let identity = known?.state;
  let totalBytes = known?.state.total;
  let ranges: ByteRanges = known?.ranges ?? [];
  let synced: ByteRanges = known?.synced ?? [];
  let thread = startThread(purpose, ranges);
  let hasNews = false;
  let saving = Promise.resolve(true);
  let saves = 0;

  async function save(sync: boolean): Promise<boolean> {
    if (identity === undefined || !hasNews) return true;
    hasNews = false;
    const written = ranges;
    try {
      if (sync) {
        await file.syncData();
        synced = written;
      }
      // It may have been emptied meanwhile.
      if (identity === undefined) return true;
      const state: PartState = { ...identity, written: ranges, synced, boot };
      await writePartState(files, state, sync);
      return true;
    } catch (error) {
      // The earlier notes are still true; what they do not know of is fetched again.
      log.debug(`Cannot write ${files.state}: ${messageOf(error)}`);
      hasNews = true;
      return false;
    }
  }
  const saveInTurn = (sync: boolean) => saving = saving.then(() => save(sync));
  const timer = setInterval(() => saveInTurn(++saves % saveIntervalsPerSync === 0), saveIntervalMs);

  /** Gives up the last bytes on a full disk, so that there is room to write down what came before them. */
  async function makeRoom(): Promise<void> {
    const end = Math.max(0, (ranges.at(-1)?.end ?? 0) - roomBytes);
    ranges = clipRanges(ranges, end);
    synced = clipRanges(synced, end);
    await file.truncate(end);
  }

  function note(range: ByteRange): void {
    const before = contiguousBytes(ranges);
    ranges = addRange(ranges, range);
    hasNews = true;
    const after = contiguousBytes(ranges);
    if (after > before) thread.advance(after);
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
    async begin(next, total) {
      const hadBytes = ranges.length > 0;
      [identity, totalBytes, ranges] = [undefined, total, []];
      await saving;
      synced = [];
      await removePartState(files);
      await file.truncate(0);
      if (hadBytes) {
        thread[Symbol.dispose]();
        thread = startThread(purpose, []);
      }
      identity = next;
      hasNews = true;
      await saveInTurn(false);
    },
    end() {
      totalBytes ??= bytesIn(ranges);
    },
    writer: (start) => partWriter(files, start, note),
    async finish(onHash) {
      clearInterval(timer);
      const hashing = thread.finish(bytesIn(ranges), onHash);
      hashing.catch(() => {});
      await saveInTurn(false);
      await file.sync().catch((cause) => {
        throw writeError(files.part, cause);
      });
      return await hashing;
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      if (!await saveInTurn(false)) {
        await makeRoom();
        await saveInTurn(false);
      }
      thread[Symbol.dispose]();
      file.close();
    },
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
