import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import type { IsoEntry } from "../../../../lib/iso/catalog/entry.ts";
import { downloadIso } from "../../../../lib/iso/download/download.ts";
import { partFiles, readPart } from "../../../../lib/iso/download/part.ts";
import { exists } from "../../../../lib/files.ts";
import { start } from "../../../../lib/process.ts";
import { bench, parallel, sha256 } from "../../../iso/download/download_bench.ts";
import { serveFile } from "../../../iso/download/file_server.ts";

const library = (name: string) => new URL(`../../../../lib/iso/download/${name}`, import.meta.url).href;
const config = new URL("../../../../deno.json", import.meta.url).pathname;

const large = new Uint8Array(4 * 1024 ** 2);
for (let at = 0; at < large.length; at += 65_536) crypto.getRandomValues(large.subarray(at, at + 65_536));
const checksum = { algorithm: "sha256", hash: sha256(large) } as const;
// It takes half a second, in parts of 64 KiB over four connections.
const options = { ...parallel, stretchBytes: 64 * 1024 };
const bytesPerSecond = 8 * 1024 ** 2;

/** A process of its own that downloads an ISO. */
function child(entry: IsoEntry, dir: string) {
  const script = join(dir, ".child.ts");
  Deno.writeTextFileSync(
    script,
    `import { downloadIso } from ${JSON.stringify(library("download.ts"))};
    import { rateLimit } from ${JSON.stringify(library("rate_limit.ts"))};
    const options = { ...${JSON.stringify(options)}, rateLimit: rateLimit(${bytesPerSecond}) };
    await downloadIso(${JSON.stringify(entry)}, ${JSON.stringify(dir)}, options);`,
  );
  return start([Deno.execPath(), "run", "-A", "--no-check", "--config", config, script]);
}

/** Asserts that what is said to be of a file is of it, byte for byte. */
async function assertTrue(isoPath: string): Promise<void> {
  if (await exists(isoPath)) assert.equal(sha256(await Deno.readFile(isoPath)), checksum.hash);
  const files = partFiles(isoPath);
  const known = await readPart(files);
  if (known === undefined) return;
  const part = await Deno.readFile(files.part);
  for (const { start, end } of known.ranges) {
    const same = Buffer.compare(part.subarray(start, end), large.subarray(start, end)) === 0;
    assert.ok(same, `bytes ${start} to ${end} are not those of the file`);
  }
}

async function killOften(times: number): Promise<void> {
  await using server = await serveFile(large);
  await bench(async ({ dir, entry }) => {
    const iso = entry({ url: `${server.url}/a.iso`, checksum });
    const path = join(dir, "a.iso");
    for (let kills = 0; kills < times; kills++) {
      const asked = Promise.withResolvers<void>();
      server.misbehave = () => {
        asked.resolve();
        return false;
      };
      const running = child(iso, dir);
      await Promise.race([asked.promise, running.ended]);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 600));
      running.kill("SIGKILL");
      await running.ended;
      await assertTrue(path);
      if (await exists(path)) await Deno.remove(path);
    }
    server.sentBytes = 0;
    const known = await readPart(partFiles(path));
    const haveBytes = known?.ranges.reduce((sum, { start, end }) => sum + end - start, 0) ?? 0;
    assert.equal((await downloadIso(iso, dir, options)).verified, true);
    assert.equal(server.sentBytes, large.length - haveBytes);
  });
}

Deno.test("of thirty downloads that are killed at any moment none leaves a wrong byte that is believed in", async () => {
  await Promise.all([killOften(10), killOften(10), killOften(10)]);
});

Deno.test("two processes that want the same ISO fetch it once", async () => {
  await using server = await serveFile(large);
  await bench(async ({ dir, entry }) => {
    const iso = entry({ url: `${server.url}/a.iso`, checksum });
    const both = [child(iso, dir), child(iso, dir)];
    const ends = await Promise.all(both.map(({ ended }) => ended));
    assert.deepEqual(ends.map(({ code }) => code), [0, 0]);
    assert.equal(server.sentBytes, large.length);
    await assertTrue(join(dir, "a.iso"));
  });
});
