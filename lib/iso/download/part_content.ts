import type { Algorithm } from "../../hash.ts";
import { type HashThread, hashThread } from "../verify/hash_thread.ts";
import type { KnownPart, PartFiles, PartIdentity } from "./part.ts";
import { addRange, type ByteRange, type ByteRanges, bytesIn, clipRanges, contiguousBytes } from "./ranges.ts";

/** What a .part file is made for. */
export interface PartPurpose {
  readonly files: PartFiles;
  readonly algorithm: Algorithm;
}

/** What has come of a file so far, hashed as far as there is no gap. Dispose of it to end the hashing. */
export class PartContent implements Disposable {
  identity: PartIdentity | undefined;
  totalBytes: number | undefined;
  readonly #purpose: PartPurpose;
  #ranges: ByteRanges;
  #thread: HashThread;

  constructor(purpose: PartPurpose, known: KnownPart | undefined) {
    this.#purpose = purpose;
    this.identity = known?.state;
    this.totalBytes = known?.state.total;
    this.#ranges = known?.ranges ?? [];
    this.#thread = startThread(purpose, this.#ranges);
  }

  get ranges(): ByteRanges {
    return this.#ranges;
  }

  get bytes(): number {
    return bytesIn(this.#ranges);
  }

  /** Takes note of what was written, and has it hashed. */
  add(range: ByteRange): void {
    const before = contiguousBytes(this.#ranges);
    this.#ranges = addRange(this.#ranges, range);
    const after = contiguousBytes(this.#ranges);
    if (after > before) this.#thread.advance(after);
  }

  /** Forgets what was written beyond a size; what was hashed of it stays hashed. */
  clip(bytes: number): void {
    this.#ranges = clipRanges(this.#ranges, bytes);
  }

  /** Forgets all, of a file whose size may be known already; tells whether there was anything. */
  empty(totalBytes: number | undefined): boolean {
    const hadBytes = this.#ranges.length > 0;
    [this.identity, this.totalBytes, this.#ranges] = [undefined, totalBytes, []];
    return hadBytes;
  }

  /** Hashes from the beginning again, as the file is empty now. */
  hashAnew(): void {
    this.#thread[Symbol.dispose]();
    this.#thread = startThread(this.#purpose, []);
  }

  /** The hash of all that has come, when the thread is through. */
  hash(onHash: (bytes: number) => void): Promise<string> {
    return this.#thread.finish(this.bytes, onHash);
  }

  [Symbol.dispose](): void {
    this.#thread[Symbol.dispose]();
  }
}

function startThread({ files, algorithm }: PartPurpose, ranges: ByteRanges): HashThread {
  const thread = hashThread(files.part, algorithm);
  const there = contiguousBytes(ranges);
  if (there > 0) thread.advance(there);
  return thread;
}
