import assert from "node:assert/strict";
import { join } from "node:path";
import { bytesSource, joinedSource } from "../../../../lib/deploy/oci/blob_source.ts";
import { readTarHeader, tarHeader, tarPadding } from "../../../../lib/deploy/oci/tar.ts";
import { takeDisk } from "../../../../lib/deploy/oci/tar_disk.ts";
import { run } from "../../../../lib/process.ts";
import { tempDir } from "../../../base/temp.ts";

const entry = { path: "disk/web.qcow2", size: 1000, mode: 0o440, uid: 107, gid: 107, type: "0" };

Deno.test("tar lists what was written, also files of 8 GiB and more", async () => {
  await using home = await tempDir();
  for (const size of [0, 512, 8 ** 11 - 1, 8 ** 11, 3 * 1024 ** 4 + 5]) {
    const path = join(home.path, "t.tar");
    await Deno.writeFile(path, tarHeader({ ...entry, size }));
    // The file is not in it: tar says so after it has listed its header.
    const { stdout } = await run(["tar", "--numeric-owner", "-tvf", path], { okStatus: [0, 2] });
    assert.match(stdout, new RegExp(`^-r--r----- 107/107 +${size} .*disk/web.qcow2$`, "m"));
    assert.deepEqual(readTarHeader(tarHeader({ ...entry, size })), { ...entry, size });
  }
});

Deno.test("a header that is damaged is none, and empty records are the end", () => {
  const header = tarHeader(entry);
  header[0]! ^= 1;
  assert.throws(() => readTarHeader(header), /no tar archive/);
  assert.equal(readTarHeader(new Uint8Array(512)), undefined);
  assert.deepEqual([0, 1, 511, 512, 513].map(tarPadding), [0, 511, 1, 0, 511]);
});

Deno.test("the disk is taken out of an archive that real tar has made, whatever else is in it", async () => {
  await using home = await tempDir({ "a/etc/hosts": "x".repeat(700), "a/disk/web.img": "disk".repeat(300) });
  for (const format of ["gnu", "ustar", "pax"]) {
    const tar = join(home.path, `${format}.tar`);
    await run(["tar", `--format=${format}`, "-cf", tar, "-C", join(home.path, "a"), "./etc", "./disk"]);
    const bytes = await Deno.readFile(tar);
    const out = join(home.path, "out");
    // In pieces of an odd size, as a network would bring them.
    const taken = await takeDisk(pieces(bytes, 333), out);
    assert.equal(taken?.bytes, 1200);
    assert.equal(await Deno.readTextFile(out), "disk".repeat(300));
    await assert.rejects(takeDisk(pieces(bytes.subarray(0, 3000), 333), out), /breaks off/);
  }
});

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

Deno.test("joined sources are read across their seams", async () => {
  const source = joinedSource([[1, 2, 3], [], [4], [5, 6]].map((each) => bytesSource(new Uint8Array(each))));
  assert.equal(source.size, 6);
  assert.deepEqual([...await source.read(1, 4)], [2, 3, 4, 5]);
  assert.deepEqual([...await source.read(5, 1)], [6]);
});
