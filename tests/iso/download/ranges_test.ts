import assert from "node:assert/strict";
import {
  addRange,
  type ByteRanges,
  bytesIn,
  clipRanges,
  contiguousBytes,
  firstGap,
} from "../../../lib/iso/download/ranges.ts";

const ranges = (...pairs: readonly [number, number][]): ByteRanges =>
  pairs.map(([start, end]) => ({ start, end }));

Deno.test("ranges that touch or overlap become one, in order, and an empty one changes nothing", () => {
  const some = ranges([10, 20], [30, 40]);
  const add = (start: number, end: number) => addRange(some, { start, end });
  assert.deepEqual(add(0, 5), ranges([0, 5], [10, 20], [30, 40]));
  assert.deepEqual(add(20, 30), ranges([10, 40]));
  assert.deepEqual(add(15, 35), ranges([10, 40]));
  assert.deepEqual(add(0, 100), ranges([0, 100]));
  assert.deepEqual(add(25, 25), some);
});

Deno.test("ranges know their bytes, those from the beginning, and those within a file", () => {
  assert.equal(bytesIn(ranges([0, 5], [10, 20])), 15);
  assert.equal(contiguousBytes(ranges([0, 5], [10, 20])), 5);
  assert.equal(contiguousBytes(ranges([1, 5])), 0);
  assert.deepEqual(clipRanges(ranges([0, 5], [10, 20], [30, 40]), 12), ranges([0, 5], [10, 12]));
});

Deno.test("the first gap ends at the next range, the end of the file or the most that is wanted", () => {
  assert.deepEqual(firstGap([], 100, 30), { start: 0, end: 30 });
  assert.deepEqual(firstGap(ranges([0, 10], [15, 20]), 100, 30), { start: 10, end: 15 });
  assert.deepEqual(firstGap(ranges([0, 90]), 100, 30), { start: 90, end: 100 });
  assert.equal(firstGap(ranges([0, 100]), 100, 30), undefined);
});
