import { CancelledError, PimError } from "../../errors.ts";
import type { Algorithm, HashOptions } from "./checksum.ts";
import type { HashReply, HashRequest } from "./hash_worker.ts";

/** A thread that hashes a file from its beginning, also while it is being written; dispose of it to end it. */
export interface HashThread extends Disposable {
  /** Says that so many bytes from the beginning are in the file. */
  advance(bytes: number): void;
  /** The hash of the file, in hexadecimal, when it has so many bytes and all are there. */
  finish(bytes: number, onProgress?: (bytes: number) => void): Promise<string>;
}

/** Starts a thread that hashes the file at a path. Hashing blocks its thread, so that it needs one of its own. */
export function hashThread(path: string, algorithm: Algorithm): HashThread {
  const worker = new Worker(new URL("./hash_worker.ts", import.meta.url).href, { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  // What failed is told to who asks for the hash; until then nobody waits.
  promise.catch(() => {});
  const fail = (why: string) => reject(new PimError(`Cannot hash ${path}: ${why}`));
  let report: (bytes: number) => void = () => {};
  worker.onmessage = ({ data }: MessageEvent<HashReply>) => {
    if ("hash" in data) resolve(data.hash);
    else if ("error" in data) fail(data.error);
    else report(data.hashed);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };
  const tell = (request: HashRequest) => worker.postMessage(request);
  tell({ path, algorithm });
  return {
    advance: (upTo) => tell({ upTo }),
    finish(total, onProgress = () => {}) {
      report = onProgress;
      tell({ total });
      return promise;
    },
    [Symbol.dispose]() {
      worker.terminate();
      reject(new CancelledError());
    },
  };
}

/** The hash of a whole file in hexadecimal, taken in a thread of its own. */
export async function hashInThread(
  path: string,
  algorithm: Algorithm,
  bytes: number,
  options: HashOptions = {},
): Promise<string> {
  using thread = hashThread(path, algorithm);
  const onAbort = () => thread[Symbol.dispose]();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    if (options.signal?.aborted) throw new CancelledError();
    return await thread.finish(bytes, options.onProgress);
  } finally {
    options.signal?.removeEventListener("abort", onAbort);
  }
}
