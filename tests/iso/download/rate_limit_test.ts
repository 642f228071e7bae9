import assert from "node:assert/strict";
import { UsageError } from "../../../lib/errors.ts";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import { parseRate, rateLimit } from "../../../lib/iso/download/rate_limit.ts";
import { bench, failsWith, parallel } from "./download_bench.ts";

Deno.test("a rate is read with its unit, and what is none or next to nothing is refused", () => {
  assert.equal(parseRate("10M"), 10 * 1024 ** 2);
  assert.equal(parseRate("1.5 KiB/s"), 1536);
  assert.equal(parseRate("2048"), 2048);
  for (const wrong of ["", "fast", "-1M", "0", "0K", "100", "9999999T", "10 m/h"]) {
    assert.throws(() => parseRate(wrong), UsageError, wrong);
  }
});

Deno.test("all files and connections together keep to the limit", async () => {
  await bench(async ({ dir, entry }) => {
    const limit = rateLimit(100_000);
    const startedMs = performance.now();
    await Promise.all(
      ["a.iso", "b.iso"].map((filename) =>
        downloadIso(entry({ key: filename, filename }), dir, { ...parallel, rateLimit: limit })
      ),
    );
    // Two files of 50,000 bytes take a second; a quarter of it may have been saved up.
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs >= 700, `${tookMs} ms`);
  });
});

Deno.test("a download that waits for its turn can be cancelled", async () => {
  await bench(async ({ dir, entry }) => {
    const controller = new AbortController();
    const options = { ...parallel, signal: controller.signal, rateLimit: rateLimit(1024) };
    const download = downloadIso(entry(), dir, {
      ...options,
      onProgress: ({ bytes }) => bytes > 0 && controller.abort(),
    });
    await assert.rejects(download, failsWith(130, /Cancelled/));
  });
});
