import assert from "node:assert/strict";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { PimError } from "../../lib/errors.ts";
import { downloadIso } from "../../lib/iso/download/download.ts";
import { isoStatus } from "../../lib/iso/status.ts";
import { ensureIso } from "../../lib/iso/supply.ts";
import { verifyIso } from "../../lib/iso/verify/verify.ts";
import { bench, content, failsWith, fast, other, sha256 } from "./download/download_bench.ts";

Deno.test("the checksum is found in a checksum file, and a newer release there is pointed out", async () => {
  await bench(async ({ server, dir, entry }) => {
    let sums = `${sha256(other)}  b.iso\n${sha256(content)} *a.iso\n`;
    server.misbehave = (request, response) => {
      if (request.url !== "/SHA256SUMS") return false;
      response.end(sums);
      return true;
    };
    const listed = entry({
      checksum: undefined,
      checksumUrl: `${server.url}/SHA256SUMS`,
      filename: "renamed.iso",
    });
    assert.equal((await downloadIso(listed, dir, fast)).verified, true);
    assert.equal((await isoStatus(listed, dir)).state, "verified");
    sums = `${sha256(other)}  a2.iso\n`;
    assert.equal((await ensureIso(listed, dir, fast)).verified, true);
    assert.deepEqual(server.requests, ["GET /SHA256SUMS", "GET /a.iso"]);
    await assert.rejects(downloadIso({ ...listed, filename: "new.iso" }, dir, fast), (error: PimError) => {
      failsWith(5, /has no SHA-256 or SHA-512 checksum of a.iso/)(error);
      assert.match(error.hint ?? "", /a2\.iso/);
      return true;
    });
  });
});

Deno.test("without any checksum the ISO is used with a warning, and its hash is told", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    const unknown = entry({ checksum: undefined });
    const file = await ensureIso(unknown, dir, fast);
    assert.equal(file.verified, false);
    assert.equal(file.checksum.hash, sha256(content));
    assert.match(log.join("\n"), new RegExp(`unverified.*sha256:${sha256(content)}`));
    assert.equal((await isoStatus(unknown, dir)).state, "present-unverified");
    assert.equal((await ensureIso(unknown, dir, fast)).verified, false);
    assert.equal(server.requests.length, 1);
  });
});

Deno.test("a file URL is copied and verified, a path is used where it is", async () => {
  await bench(async ({ dir, entry, names }) => {
    const isoDir = join(dir, "isos");
    const path = join(dir, "own file.iso");
    await Deno.writeFile(path, content);
    const copy = await ensureIso(entry({ url: pathToFileURL(path).href }), isoDir, fast);
    assert.equal(copy.path, join(isoDir, "a.iso"));
    assert.equal(copy.verified, true);
    const local = await ensureIso(entry({ key: "local", url: path }), isoDir, fast);
    assert.deepEqual([local.path, local.verified], [path, true]);
    assert.equal((await isoStatus(entry({ key: "local", url: path }), isoDir)).state, "verified");
    await Deno.writeFile(path, other);
    await assert.rejects(
      ensureIso(entry({ key: "local", url: path }), isoDir, fast),
      failsWith(5, /own file.iso is not/),
    );
    assert.deepEqual(new Uint8Array(await Deno.readFile(path)), other);
    const gone = entry({ url: pathToFileURL(join(dir, "gone.iso")).href, filename: "gone.iso" });
    await assert.rejects(ensureIso(gone, isoDir, fast), failsWith(4, /Cannot copy/));
    await assert.rejects(
      ensureIso(entry({ key: "g", url: join(dir, "gone") }), isoDir, fast),
      failsWith(4, /not there/),
    );
    assert.deepEqual(names(), ["isos", "own file.iso"]);
  });
});

Deno.test("a file that changed on disk is noticed at once, verified again, and replaced when it is wrong", async () => {
  await bench(async ({ server, dir, entry }) => {
    const path = join(dir, "a.iso");
    await ensureIso(entry(), dir, fast);
    await Deno.utime(path, new Date(), new Date(0));
    assert.equal((await isoStatus(entry(), dir)).state, "changed");
    assert.equal((await ensureIso(entry(), dir, fast)).verified, true);
    assert.equal(server.requests.length, 1);
    await Deno.writeFile(path, other);
    assert.equal((await isoStatus(entry(), dir)).state, "changed");
    await assert.rejects(verifyIso(entry(), dir, fast), failsWith(5, /is not the ISO/));
    assert.equal((await isoStatus(entry(), dir)).state, "wrong");
    assert.equal((await ensureIso(entry(), dir, fast)).verified, true);
    assert.equal(server.requests.length, 2);
    assert.deepEqual(new Uint8Array(await Deno.readFile(path)), content);
  });
});

Deno.test("a full verification reads the file even when it looks the same", async () => {
  await bench(async ({ dir, entry }) => {
    const path = join(dir, "a.iso");
    await ensureIso(entry(), dir, fast);
    const { mtime } = await Deno.stat(path);
    await Deno.writeFile(path, other);
    await Deno.utime(path, new Date(), mtime as Date);
    assert.equal((await isoStatus(entry(), dir)).state, "verified");
    await assert.rejects(verifyIso(entry(), dir, { ...fast, full: true }), failsWith(5, /is not the ISO/));
    assert.equal((await isoStatus(entry(), dir)).state, "wrong");
  });
});

Deno.test("another checksum in the catalog ends an earlier verification, without reading the file", async () => {
  await bench(async ({ dir, entry }) => {
    await ensureIso(entry(), dir, fast);
    const changed = entry({ checksum: { algorithm: "sha256", hash: sha256(other) } });
    assert.equal((await isoStatus(changed, dir)).state, "wrong");
    const stronger = entry({ checksum: { algorithm: "sha512", hash: "0".repeat(128) } });
    assert.equal((await isoStatus(stronger, dir)).state, "present-unverified");
    await assert.rejects(ensureIso(changed, dir, fast), failsWith(5, /should be/));
    await Deno.writeTextFile(join(dir, "a.iso.json"), "not json");
    assert.equal((await isoStatus(entry(), dir)).state, "present-unverified");
    assert.equal((await verifyIso(entry(), dir, fast)).verified, true);
  });
});
