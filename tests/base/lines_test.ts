import assert from "node:assert/strict";
import { lastLines, lineSplitter } from "../../lib/lines.ts";

Deno.test("lines are split across pieces, and the last ones are found without the blank ones", () => {
  const lines: string[] = [];
  const push = lineSplitter((line) => lines.push(line));
  for (const piece of ["a", "b\nc\r", "\n\nd"]) push(piece);
  push.end();
  push.end();
  assert.deepEqual(lines, ["ab", "c", "", "d"]);
  assert.equal(lastLines("a\n\nb\r\n \nc\n", 2), "b\nc");
});
