/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
// A thread of its own that hashes one file, as far as it is known to be there.
import type { Hash } from "node:crypto";
import { messageOf } from "../../errors.ts";
import { type Algorithm, startHash } from "./checksum.ts";

/** What the thread is told: first the file, then how far it may read, and at last how long the file is. */
export type HashRequest =
  | { readonly path: string; readonly algorithm: Algorithm }
  | { readonly upTo: number }
  | { readonly total: number };

/** What the thread says. */
export type HashReply =
  | { readonly hashed: number }
  | { readonly hash: string }
  | { readonly error: string };

// So much fits the caches of a core; more is slower.
const buffer = new Uint8Array(512 * 1024);
const reportBytes = 32 * 1024 * 1024;

let file: Deno.FsFile | undefined;
let hash: Hash | undefined;
let hashed = 0;

self.onmessage = ({ data }: MessageEvent<HashRequest>) => {
  try {
    if ("path" in data) {
      file = Deno.openSync(data.path);
      hash = startHash(data.algorithm);
      return;
    }
    feed("upTo" in data ? data.upTo : data.total);
    if ("total" in data) say({ hash: hash?.digest("hex") ?? "" });
  } catch (error) {
    say({ error: messageOf(error) });
  }
};

function feed(upTo: number): void {
  while (hashed < upTo) {
    const count = file?.readSync(buffer.subarray(0, Math.min(buffer.length, upTo - hashed))) ?? null;
    if (count === null) throw new Error(`it ends after ${hashed} bytes`);
    hash?.update(buffer.subarray(0, count));
    if (Math.floor(hashed / reportBytes) !== Math.floor((hashed + count) / reportBytes)) {
      say({ hashed: hashed + count });
    }
    hashed += count;
  }
}

function say(reply: HashReply): void {
  self.postMessage(reply);
}
