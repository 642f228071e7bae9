import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { CancelledError } from "../../../lib/errors.ts";
import { hashInThread, hashThread } from "../../../lib/iso/verify/hash_thread.ts";

async function withFile(bytes: Uint8Array, work: (path: string) => Promise<void>): Promise<void> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    await work(path);
  } finally {
    await Deno.remove(path);
  }
}

const content = new Uint8Array(3_000_000).map((_, index) => index % 251);
const hashOf = (algorithm: string) => createHash(algorithm).update(content).digest("hex");

Deno.test("a thread hashes a file while it is being written, never further than it is told to", async () => {
  await withFile(new Uint8Array(), async (path) => {
    using thread = hashThread(path, "sha256");
    // What lies beyond the first bytes is wrong until the thread is told of it.
    await Deno.writeFile(path, new Uint8Array(content.length));
    using file = await Deno.open(path, { write: true });
    for (const end of [1_000_000, 1_500_001, content.length]) {
      await file.write(content.subarray(await file.seek(0, Deno.SeekMode.Current), end));
      thread.advance(end);
    }
    assert.equal(await thread.finish(content.length), hashOf("sha256"));
  });
});

Deno.test("several files are hashed at the same time, by either algorithm", async () => {
  await withFile(content, async (path) => {
    const algorithms = ["sha256", "sha512", "sha256"] as const;
    const hashes = await Promise.all(algorithms.map((each) => hashInThread(path, each, content.length)));
    assert.deepEqual(hashes, algorithms.map(hashOf));
  });
});

Deno.test("a file that is not there, or shorter than it was, is told in plain words", async () => {
  await withFile(content, async (path) => {
    await assert.rejects(
      hashInThread(path, "sha256", content.length + 1),
      /Cannot hash .*: it ends after 3000000/,
    );
    await assert.rejects(hashInThread(`${path}.gone`, "sha256", 1), /Cannot hash .*gone: .*No such file/);
  });
});

Deno.test("hashing can be cancelled", async () => {
  await withFile(content, async (path) => {
    const options = { signal: AbortSignal.abort() };
    await assert.rejects(hashInThread(path, "sha256", content.length, options), CancelledError);
    const controller = new AbortController();
    const hashing = hashInThread(path, "sha256", content.length, { signal: controller.signal });
    controller.abort();
    await assert.rejects(hashing, CancelledError);
  });
});
