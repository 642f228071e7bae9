import assert from "node:assert/strict";
import { writeAll, writeAllSync, writeText } from "../../lib/output.ts";

/** A non-blocking pipe with a slow reader: every other time it is full, else it takes three bytes. */
function slowPipe() {
  const taken: number[] = [];
  let full = false;
  const writeSync = (bytes: Uint8Array): number => {
    full = !full;
    if (full) throw new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)");
    taken.push(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  return {
    writeSync,
    write: (bytes: Uint8Array) => new Promise<number>((resolve) => resolve(writeSync(bytes))),
    text: () => new TextDecoder().decode(new Uint8Array(taken)),
  };
}

Deno.test("what a pipe does not take at once is written later, whole", async () => {
  const text = "a line for a slow reader\n";
  const bytes = new TextEncoder().encode(text);
  const [one, two, three] = [slowPipe(), slowPipe(), slowPipe()];
  writeText(one, text);
  writeAllSync(two, bytes);
  await writeAll(three, bytes);
  assert.deepEqual([one, two, three].map((pipe) => pipe.text()), [text, text, text]);
});

Deno.test("a reader that has gone is no error, and a disk that is full is one", () => {
  const failing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  writeText(failing(new Deno.errors.BrokenPipe()), "x");
  assert.throws(() => writeText(failing(new Error("No space left on device")), "x"), /No space left/);
});
