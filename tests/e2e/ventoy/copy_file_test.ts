import assert from "node:assert/strict";
import { join } from "node:path";
import { CancelledError, type PimError } from "../../../lib/errors.ts";
import { exists } from "../../../lib/files.ts";
import { toIsoEntry } from "../../../lib/iso/catalog/entry.ts";
import { hashFile } from "../../../lib/hash.ts";
import { copyToPart, dropFromCache, partOf, verifyPart } from "../../../lib/ventoy/copy/copy_file.ts";
import type { WantedIso } from "../../../lib/ventoy/copy/wanted.ts";
import { type TempDir, tempDir } from "../../base/temp.ts";
import { bytes } from "./stick_user.ts";

/** An ISO of 9 MB, which takes several pieces to copy. */
async function iso(dir: TempDir): Promise<WantedIso> {
  const path = join(dir.path, "source.iso");
  await Deno.writeFile(path, bytes(9_000_001));
  const entry = toIsoEntry("deb", { url: path, filename: "deb.iso", architecture: "amd64" }, "/");
  const checksum = { algorithm: "sha256", hash: await hashFile(path, "sha256") } as const;
  return { entry, file: { key: "deb", path, bytes: 9_000_001, checksum, verified: true } };
}

Deno.test("an ISO has its name on the stick only when it was read back", async () => {
  await using dir = await tempDir({ "stick/.keep": "" });
  const [stick, wanted] = [join(dir.path, "stick"), await iso(dir)];
  const seen: number[] = [];
  await copyToPart(stick, wanted, undefined, (done) => seen.push(done));
  assert.deepEqual([await exists(partOf(stick, "deb.iso")), await exists(join(stick, "deb.iso"))], [
    true,
    false,
  ]);
  assert.equal(seen.at(-1), 9_000_001);
  assert.ok(seen.length > 1);
  await verifyPart(stick, wanted, undefined, () => {});
  assert.deepEqual(await Deno.readFile(join(stick, "deb.iso")), bytes(9_000_001));
  assert.ok(!await exists(partOf(stick, "deb.iso")));
});

Deno.test("a link on the stick in the place of the part is not followed", async () => {
  await using dir = await tempDir({ "stick/.keep": "", "mine": "precious" });
  const [stick, wanted] = [join(dir.path, "stick"), await iso(dir)];
  await Deno.symlink(join(dir.path, "mine"), partOf(stick, "deb.iso"));
  await copyToPart(stick, wanted, undefined, () => {});
  await verifyPart(stick, wanted, undefined, () => {});
  assert.equal(await Deno.readTextFile(join(dir.path, "mine")), "precious");
  assert.ok((await Deno.lstat(join(stick, "deb.iso"))).isFile);
});

Deno.test("a stick that gives back other content than was written is found out, with the code for checksums", async () => {
  await using dir = await tempDir({ "stick/.keep": "" });
  const [stick, wanted] = [join(dir.path, "stick"), await iso(dir)];
  await copyToPart(stick, wanted, undefined, () => {});
  {
    using part = await Deno.open(partOf(stick, "deb.iso"), { write: true });
    await part.seek(5_000_000, Deno.SeekMode.Start);
    await part.write(new Uint8Array([1, 2, 3, 4]));
  }
  await assert.rejects(verifyPart(stick, wanted, undefined, () => {}), (error: PimError) => {
    assert.match(error.message, /deb reads back from the stick with other content than was written/);
    assert.equal(error.exitCode, 5);
    return true;
  });
  assert.deepEqual([...Deno.readDirSync(stick)].map(({ name }) => name), [".keep"]);
});

Deno.test("a copy that is cancelled between two pieces leaves nothing", async () => {
  await using dir = await tempDir({ "stick/.keep": "" });
  const [stick, wanted] = [join(dir.path, "stick"), await iso(dir)];
  const controller = new AbortController();
  const copying = copyToPart(stick, wanted, controller.signal, () => controller.abort());
  await assert.rejects(copying, CancelledError);
  assert.deepEqual([...Deno.readDirSync(stick)].map(({ name }) => name), [".keep"]);
});

Deno.test({
  name: "a file is dropped from the kernel's cache, and one that is not there is not",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using dir = await tempDir({ "a": "x" });
    assert.equal(await dropFromCache(join(dir.path, "a")), true);
    assert.equal(await dropFromCache(join(dir.path, "none")), false);
  },
});
