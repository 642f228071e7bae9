import assert from "node:assert/strict";
import { formatMeasurements, interleave, type Measurement, median, ratio } from "./measurement.ts";

Deno.test("the median of an odd and of an even count is the middle", () => {
  assert.equal(median([30, 10, 20]), 20);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("interleaved runs change their direction each round and keep their results apart", async () => {
  const calls: string[] = [];
  const thing = (name: string) => () => {
    calls.push(name);
    return Promise.resolve(`${name}${calls.length}`);
  };
  const results = await interleave(3, [thing("a"), thing("b")]);
  assert.deepEqual(calls, ["a", "b", "b", "a", "a", "b"]);
  assert.deepEqual(results, [["a1", "a4", "a5"], ["b2", "b3", "b6"]]);
});

Deno.test("a measurement shows what pim is compared with, or that there is nothing to compare with", () => {
  const startup: Measurement = {
    name: "version",
    what: "start-up",
    unit: "ms",
    pim: 24,
    baseline: { name: "empty", value: 16 },
    aim: 1.8,
    runs: 3,
  };
  const memory: Measurement = { name: "memory", what: "memory", unit: "MiB", pim: 99.6, aim: 150, runs: 1 };
  assert.equal(ratio(startup), 1.5);
  assert.equal(ratio(memory), undefined);
  assert.equal(
    formatMeasurements([startup, memory]),
    [
      "WHAT      PIM      BASELINE       RATIO  AIM",
      "start-up  24.0 ms  16.0 ms empty  1.50   <= 1.80",
      "memory    100 MiB  -              -      <= 150 MiB",
    ].join("\n"),
  );
});

Deno.test("the aim may be for what pim takes more than the baseline, or for its own number beside one", () => {
  const list: Measurement = {
    name: "ps",
    what: "list",
    unit: "ms",
    pim: 120,
    baseline: { name: "empty", value: 20 },
    aim: 150,
    aimOf: "difference",
    runs: 3,
  };
  const address: Measurement = { ...list, name: "ip", what: "address", aim: 100, aimOf: "number" };
  assert.equal(
    formatMeasurements([list, address]),
    [
      "WHAT     PIM       BASELINE       RATIO  AIM",
      "list     120.0 ms  20.0 ms empty  6.00   <= +150.0 ms (is +100.0 ms)",
      "address  120.0 ms  20.0 ms empty  6.00   <= 100.0 ms",
    ].join("\n"),
  );
});
