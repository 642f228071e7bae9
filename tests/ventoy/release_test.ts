import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../lib/files.ts";
import { formatChecksum, startHash } from "../../lib/iso/verify/checksum.ts";
import { run } from "../../lib/process.ts";
import { linkTargets } from "../../lib/ventoy/release/archive.ts";
import { downloadVentoy } from "../../lib/ventoy/release/download.ts";
import { ventoyRelease, type VentoySettings } from "../../lib/ventoy/release/release.ts";
import { tempDir } from "../base/temp.ts";
import { serveFile } from "../iso/download/file_server.ts";
import { packArchive, sampleRelease } from "./sample_release.ts";

const options = { retries: 0 };

function release(settings: VentoySettings, folder = "/cache/ventoy") {
  return ventoyRelease(settings, folder, "/home/me");
}

function checksumOf(content: Uint8Array): string {
  return `sha256:${startHash("sha256").update(content).digest("hex")}`;
}

Deno.test("without settings, Ventoy is the release that pim knows the checksum of", () => {
  const known = release({});
  assert.equal(known.version, "1.1.18");
  assert.equal(
    known.url,
    "https://github.com/ventoy/Ventoy/releases/download/v1.1.18/ventoy-1.1.18-linux.tar.gz",
  );
  assert.match(formatChecksum(known.checksum), /^sha256:d86ff9de63d9/);
  assert.equal(known.folder, "/cache/ventoy/ventoy-1.1.18");
});

Deno.test("another version or URL needs its own checksum, and the hint says what to write", () => {
  for (const settings of [{ version: "1.0.99" }, { url: "https://example.org/ventoy-1.1.18-linux.tar.gz" }]) {
    assert.throws(() => release(settings), (error: Error & { hint?: string }) => {
      assert.match(error.message, /ventoy\.checksum is not set, and nothing else vouches for https:/);
      assert.match(error.hint ?? "", /ventoy: \{ checksum: "sha256:/);
      return true;
    });
  }
  assert.throws(() => release({ checksum: "sha256:12" }), /ventoy\.checksum is no checksum/);
});

Deno.test("the folder of Ventoy is a name in the cache, or an absolute path", () => {
  assert.equal(release({ dir: "mine" }).folder, "/cache/ventoy/mine");
  assert.equal(release({ dir: "/opt/ventoy" }).folder, "/opt/ventoy");
  assert.equal(release({ dir: "~/ventoy" }).folder, "/home/me/ventoy");
  assert.throws(() => release({ dir: "../out" }), /cannot be the folder of Ventoy/);
  assert.throws(() => release({ file: "a/b" }), /cannot be the name of the download/);
  assert.throws(() => release({ url: "ventoy.tar.gz", checksum: "x" }), /ventoy\.url is no URL/);
});

Deno.test("Ventoy is downloaded and unpacked once, and another release takes its place", async () => {
  await using dir = await tempDir();
  await using one = await sampleRelease("1.1.18");
  const settings = { url: one.url, checksum: one.checksum, dir: "ventoy" };
  const first = await downloadVentoy(release(settings, dir.path), options);
  assert.deepEqual(first, { folder: join(dir.path, "ventoy"), version: "1.1.18", fresh: true });
  assert.ok(await exists(join(first.folder, "tool", "VentoyWorker.sh")));
  const requests = one.server.requests.length;
  assert.equal((await downloadVentoy(release(settings, dir.path), options)).fresh, false);
  assert.equal(one.server.requests.length, requests);

  await using two = await sampleRelease("1.1.19");
  const next = { url: two.url, checksum: two.checksum, dir: "ventoy" };
  await Deno.mkdir(join(dir.path, ".unpacking-of-a-killed-pim"));
  assert.equal((await downloadVentoy(release(next, dir.path), options)).version, "1.1.19");
  assert.ok(!await exists(join(dir.path, ".unpacking-of-a-killed-pim")));
});

Deno.test("an archive with the wrong checksum is not unpacked", async () => {
  await using dir = await tempDir();
  await using sample = await sampleRelease();
  const wrong = release({ url: sample.url, checksum: `sha256:${"0".repeat(64)}` }, dir.path);
  await assert.rejects(
    downloadVentoy(wrong, options),
    (error: Error & { exitCode?: number; hint?: string }) => {
      assert.match(error.message, /^Cannot download Ventoy: .*its sha256 is/);
      assert.equal(error.exitCode, 5);
      assert.match(error.hint ?? "", /pim ventoy download/);
      return true;
    },
  );
  assert.ok(!await exists(wrong.folder));
});

Deno.test("an archive whose members lead out of its folder is refused, and nothing is left of it", async () => {
  const good = { "ventoy-1/Ventoy2Disk.sh": "", "ventoy-1/ventoy/version": "1\n" };
  const climbing = await packArchive(good, ["--transform=s,version,../../../../evil,", "-P"]);
  const linked = await (async () => {
    await using dir = await tempDir(good);
    await Deno.symlink("/etc/passwd", join(dir.path, "ventoy-1", "link"));
    await run(["tar", "-czf", join(dir.path, "a.tar.gz"), "-C", dir.path, "ventoy-1"]);
    return await Deno.readFile(join(dir.path, "a.tar.gz"));
  })();
  for (const content of [climbing, linked]) {
    await using dir = await tempDir();
    await using server = await serveFile(content);
    const settings = { url: `${server.url}/ventoy-1-linux.tar.gz`, checksum: checksumOf(content) };
    await assert.rejects(downloadVentoy(release(settings, dir.path), options), /leads out of its folder/);
    const left = [...Deno.readDirSync(dir.path)].filter(({ isDirectory }) => isDirectory);
    assert.deepEqual(left, []);
  }
});

Deno.test("an archive without Ventoy's installer is no release", async () => {
  await using dir = await tempDir();
  const content = await packArchive({ "other/file": "x" });
  await using server = await serveFile(content);
  const settings = { url: `${server.url}/other.tar.gz`, checksum: checksumOf(content) };
  await assert.rejects(downloadVentoy(release(settings, dir.path), options), /no Ventoy2Disk\.sh in it/);
});

Deno.test("a folder of the user's own with Ventoy in it is used as it is; one with anything else is refused", async () => {
  await using own = await tempDir({ "Ventoy2Disk.sh": "", "ventoy/version": "1.0.99\n" });
  const found = await downloadVentoy(release({ dir: own.path }), options);
  assert.deepEqual(found, { folder: own.path, version: "1.0.99", fresh: false });
  await using other = await tempDir({ "letter.txt": "" });
  await assert.rejects(downloadVentoy(release({ dir: other.path }), options), /is there and is no Ventoy/);
});

Deno.test("the targets of links are read from tar's listing", () => {
  const listing = "-rw-r--r-- 0/0 5 2026-01-01 00:00 a/b -> c\n" +
    "lrwxrwxrwx 0/0 0 2026-01-01 00:00 a/link -> ../x y\n" +
    "hrw-r--r-- 0/0 0 2026-01-01 00:00 a/hard link to a/b\n";
  assert.deepEqual(linkTargets(listing), ["../x y", "a/b"]);
});
