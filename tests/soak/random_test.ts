import assert from "node:assert/strict";
import { randomFrom } from "./random.ts";

Deno.test("the same seed gives the same numbers from 0 to 1, another seed others", () => {
  const numbers = (seed: number) => Array.from({ length: 200 }, randomFrom(seed));
  assert.deepEqual(numbers(7), numbers(7));
  assert.notDeepEqual(numbers(7), numbers(8));
  assert.ok(numbers(7).every((number) => number >= 0 && number < 1));
  const mean = numbers(7).reduce((sum, number) => sum + number) / 200;
  assert.ok(Math.abs(mean - 0.5) < 0.1, `${mean}`);
});
