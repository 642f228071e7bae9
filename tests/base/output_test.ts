import assert from "node:assert/strict";
import { writeText } from "../../lib/output.ts";

/** A pipe that somebody has made non-blocking: it takes a few bytes at a time, and is full every other time. */
function fullNowAndThen() {
  const taken: number[] = [];
  let full = false;
  const writeSync = (bytes: Uint8Array) => {
    full = !full;
    if (full) throw new Deno.errors.WouldBlock("Resource temporarily unavailable");
    taken.push(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  return { writeSync, text: () => new TextDecoder().decode(new Uint8Array(taken)) };
}

Deno.test("all of a text arrives, also where there is no room for it at once", () => {
  const pipe = fullNowAndThen();
  writeText(pipe, "one line, ünd another\n");
  assert.equal(pipe.text(), "one line, ünd another\n");
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
