import { createHash, type Hash } from "node:crypto";
import { CancelledError } from "../../errors.ts";
import type { BlobSource } from "./blob_source.ts";

const frameBytes = 512 * 1024;

/** The bytes of a blob on their way: read once, and hashed when they pass for the first time. */
export class PassingBytes {
  readonly #hash: Hash | undefined;
  #passed = 0;

  /**
   * @param known the digest, where nothing has to be hashed
   * @param watch gets all bytes in their order, each once
   */
  constructor(
    readonly source: BlobSource,
    readonly known: string | undefined,
    readonly watch: ((piece: Uint8Array) => void) | undefined,
  ) {
    this.#hash = known === undefined ? createHash("sha256") : undefined;
  }

  /** The bytes from a place to another one in frames; the second time they only pass. */
  async *frames(from: number, to: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for (let at = from; at < to; at += frameBytes) {
      const frame = await this.source.read(at, Math.min(frameBytes, to - at));
      const end = at + frame.length;
      if (at <= this.#passed && end > this.#passed) {
        const fresh = frame.subarray(this.#passed - at);
        this.#hash?.update(fresh);
        this.watch?.(fresh);
        this.#passed = end;
      }
      yield frame;
    }
  }

  /** Lets the bytes up to a place pass without sending them. */
  async passTo(place: number, signal: AbortSignal): Promise<void> {
    if (this.#hash === undefined && this.watch === undefined) return;
    for await (const _ of this.frames(this.#passed, place)) {
      if (signal.aborted) throw new CancelledError();
    }
  }

  /** The digest of all bytes. */
  async digest(signal: AbortSignal): Promise<string> {
    await this.passTo(this.source.size, signal);
    return this.known ?? `sha256:${this.#hash!.copy().digest("hex")}`;
  }
}
