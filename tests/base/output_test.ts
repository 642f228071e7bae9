import assert from "node:assert/strict";
import { writeText } from "../../lib/output.ts";

Deno.test("a reader that has gone is no error, and a disk that is full is one", () => {
  const failing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  writeText(failing(new Deno.errors.BrokenPipe()), "x");
  assert.throws(() => writeText(failing(new Error("No space left on device")), "x"), /No space left/);
});
