import assert from "node:assert/strict";
import { join } from "node:path";
import { hashFile } from "../../lib/hash.ts";
import { tempDir } from "../base/temp.ts";
import { cacheKey, demoCacheFolder } from "./cache.ts";
import type { Mirror } from "./mirror.ts";
import { missingPackages } from "./packages.ts";
import { mmdebstrapArgv } from "./rootfs.ts";

const mirror: Mirror = {
  suite: "bookworm",
  release: "12",
  sources: [{ uri: "http://mirror.example/debian", suite: "bookworm", components: ["main"] }],
};

async function withCopy(test: (folder: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const folder = temp.path;
  for (const name of ["installer", "rootfs"]) {
    await Deno.mkdir(join(folder, name, "etc"), { recursive: true });
  }
  for (const name of ["make_iso.ts", "rootfs.ts", "installer/a", "rootfs/etc/b"]) {
    await Deno.writeTextFile(join(folder, name), name);
  }
  await test(folder);
}

Deno.test("the demo ISO's key changes with a file of the generator, however deep, and with the mirror", async () => {
  await withCopy(async (folder) => {
    const key = await cacheKey(folder, mirror);
    assert.match(key, /^[0-9a-f]{12}$/);
    assert.equal(await cacheKey(folder, structuredClone(mirror)), key);
    assert.notEqual(await cacheKey(folder, { ...mirror, suite: "trixie" }), key);
    await Deno.writeTextFile(join(folder, "other_test.ts"), "no input of the ISO");
    assert.equal(await cacheKey(folder, mirror), key);
    await Deno.writeTextFile(join(folder, "rootfs/etc/b"), "changed");
    assert.notEqual(await cacheKey(folder, mirror), key);
  });
});

Deno.test("the demo ISO is kept where the environment says", () => {
  assert.equal(demoCacheFolder({ PIM_DEMO_CACHE: "/a", XDG_CACHE_HOME: "/b", HOME: "/c" }), "/a");
  assert.equal(demoCacheFolder({ XDG_CACHE_HOME: "/b", HOME: "/c" }), "/b/pim-demo");
  assert.equal(demoCacheFolder({ HOME: "/c" }), "/c/.cache/pim-demo");
  assert.throws(() => demoCacheFolder({}), /HOME is not set/);
});

Deno.test("the root file system comes from the machine's mirror, or from mmdebstrap's own default", () => {
  const options = { work: "/w", sources: "/s" };
  const argv = mmdebstrapArgv("/w/rootfs.tar", { ...options, mirror });
  assert.deepEqual(argv.slice(-3), [
    "bookworm",
    "/w/rootfs.tar",
    "deb http://mirror.example/debian bookworm main",
  ]);
  const other = mmdebstrapArgv("/w/rootfs.tar", { ...options, mirror: { ...mirror, sources: [] } });
  assert.deepEqual(other.slice(-2), ["bookworm", "/w/rootfs.tar"]);
});

Deno.test("hashing a file gives its SHA-256", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "abc");
    assert.equal(
      await hashFile(path, "sha256"),
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name: "packages that are not installed are found missing, the others not",
  ignore: Deno.build.os !== "linux",
  async fn() {
    assert.deepEqual(await missingPackages(["dpkg", "no-such-package-anywhere"]), [
      "no-such-package-anywhere",
    ]);
  },
});
