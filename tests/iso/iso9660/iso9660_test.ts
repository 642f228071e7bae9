import assert from "node:assert/strict";
import { join } from "node:path";
import { openIso } from "../../../lib/iso/iso9660/iso9660.ts";
import { run } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";

const longName = "n".repeat(240);
const big = crypto.getRandomValues(new Uint8Array(60_000));
const deep = "one/two/three/four/five/six/seven/eight/nine/ten/file";

/** A tree of files, and a function that makes an image of it with xorriso and these arguments. */
async function withTree(work: (make: (...args: string[]) => Promise<string>, dir: string) => Promise<void>) {
  await using temp = await tempDir();
  const dir = temp.path;
  const tree = join(dir, "tree");
  await Deno.mkdir(join(tree, deep, ".."), { recursive: true });
  await Deno.writeTextFile(join(tree, deep), "deep\n");
  await Deno.writeTextFile(join(tree, "Read-Me.txt"), "read me\n");
  await Deno.writeTextFile(join(tree, "empty"), "");
  await Deno.writeFile(join(tree, longName), big);
  await Deno.symlink(".", join(tree, "debian"));
  await Deno.symlink("one/two", join(tree, "link"));
  await Deno.symlink("/one/../../../one/two", join(tree, "absolute"));
  await Deno.symlink("/Read-Me.txt", join(tree, "one/to-root"));
  await Deno.symlink("nowhere", join(tree, "dangling"));
  await Deno.symlink("loop-b", join(tree, "loop-a"));
  await Deno.symlink("loop-a", join(tree, "loop-b"));
  await Deno.chmod(join(tree, "Read-Me.txt"), 0o640);
  await Deno.mkdir(join(tree, "many"));
  for (let index = 0; index < 200; index++) {
    await Deno.writeTextFile(join(tree, "many", `file-${index}`), `${index}`);
  }
  let count = 0;
  await work(async (...args) => {
    const iso = join(dir, `${count++}.iso`);
    await run([
      "xorriso",
      "-report_about",
      "WARNING",
      ...args.map((arg) => arg === "ISO" ? iso : arg === "TREE" ? tree : arg),
    ]);
    return iso;
  }, dir);
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("a Rock Ridge image is read: long names, deep folders, links, modes, many files", async () => {
  await withTree(async (make, dir) => {
    await using iso = await openIso(
      await make("-as", "mkisofs", "-R", "-J", "-V", "PIM TEST", "-o", "ISO", "TREE"),
    );
    assert.equal(iso.naming, "rock-ridge");
    assert.equal(iso.volumeId, "PIM TEST");
    const root = await iso.list("/");
    assert.deepEqual(
      root.map((each) => each.name).sort(),
      [
        ...[
          "Read-Me.txt",
          "absolute",
          "dangling",
          "debian",
          "empty",
          "link",
          "loop-a",
          "loop-b",
          "many",
          longName,
          "one",
        ],
      ].sort(),
    );
    assert.equal(root.find((each) => each.name === "link")?.linkTarget, "one/two");
    assert.equal((await iso.stat("Read-Me.txt")).mode, 0o640);
    assert.equal(text(await iso.readFile(deep)), "deep\n");
    assert.equal(text(await iso.readFile(`/debian/debian/link/../two/./three/${deep.slice(14)}`)), "deep\n");
    assert.equal((await iso.stat("absolute")).kind, "directory");
    assert.equal(text(await iso.readFile("one/to-root")), "read me\n");
    assert.equal((await iso.stat("../../one")).name, "one");
    assert.equal((await iso.readFile("empty")).length, 0);
    assert.equal((await iso.list("many")).length, 200);
    assert.equal(text(await iso.readFile("many/file-199")), "199");
    assert.deepEqual(await iso.readFile(longName), big);
    const out = join(dir, "out");
    assert.equal(await iso.extract(longName, out), big.length);
    assert.deepEqual(new Uint8Array(await Deno.readFile(out)), big);
  });
});

Deno.test("what is not there is undefined for find and an error for stat, and names count with their case", async () => {
  await withTree(async (make) => {
    await using iso = await openIso(await make("-as", "mkisofs", "-r", "-o", "ISO", "TREE"));
    assert.equal(await iso.find("no/such/file"), undefined);
    assert.equal(await iso.find("dangling"), undefined);
    assert.equal(await iso.find("read-me.txt"), undefined);
    assert.equal(await iso.find("Read-Me.txt/below"), undefined);
    await assert.rejects(iso.stat("nope"), /there is no "nope" in it/);
    await assert.rejects(iso.readFile("many"), /not a file/);
    await assert.rejects(iso.list("Read-Me.txt"), /not a folder/);
    await assert.rejects(iso.find("loop-a"), /form a loop/);
    await assert.rejects(iso.readFile(longName, { maxBytes: 10 }), /60000 bytes; at most 10/);
  });
});

Deno.test("folders that were relocated to keep the tree flat are found at their real place", async () => {
  await withTree(async (make) => {
    const path = await make(
      ...["-rr_reloc_dir", "rr_moved", "-compliance", "clear:only_iso_version:deep_paths_off:long_paths_off"],
      ...["-outdev", "ISO", "-map", "TREE", "/", "-commit"],
    );
    const raw = text(await Deno.readFile(path));
    assert.ok(
      raw.includes("CL\x0c\x01"),
      "the image has no relocated folder, so this test would prove nothing",
    );
    await using iso = await openIso(path);
    assert.equal(text(await iso.readFile(deep)), "deep\n");
    assert.equal(await iso.find("rr_moved/eight"), undefined);
  });
});

Deno.test("a Joliet image without Rock Ridge is read by its Joliet names", async () => {
  await withTree(async (make) => {
    const args = ["-rockridge", "off", "-as", "mkisofs", "-J", "-joliet-long", "-D", "-o", "ISO", "TREE"];
    await using iso = await openIso(await make(...args));
    assert.equal(iso.naming, "joliet");
    assert.equal(text(await iso.readFile("Read-Me.txt")), "read me\n");
    assert.equal(text(await iso.readFile(deep)), "deep\n");
    assert.equal((await iso.list("many")).length, 200);
  });
});

Deno.test("a plain ISO 9660 image is read without versions and whatever the case", async () => {
  await withTree(async (make) => {
    const args = ["-rockridge", "off", "-as", "mkisofs", "-iso-level", "2", "-D", "-o", "ISO", "TREE"];
    await using iso = await openIso(await make(...args));
    assert.equal(iso.naming, "plain");
    assert.ok((await iso.list("/")).some((each) => each.name === "READ_ME.TXT"));
    assert.equal(text(await iso.readFile("read_me.txt")), "read me\n");
    assert.equal(text(await iso.readFile(deep)), "deep\n");
    assert.equal((await iso.readFile("EMPTY")).length, 0);
  });
});

Deno.test("extracting over a file replaces it whole, and a cancelled one leaves nothing", async () => {
  await withTree(async (make, dir) => {
    await using iso = await openIso(await make("-as", "mkisofs", "-r", "-o", "ISO", "TREE"));
    const target = join(dir, "target");
    await Deno.mkdir(target);
    const out = join(target, "kernel");
    await Deno.writeTextFile(out, "x".repeat(100));
    await iso.extract("Read-Me.txt", out);
    assert.equal(await Deno.readTextFile(out), "read me\n");
    await assert.rejects(iso.extract(longName, out, { signal: AbortSignal.abort() }), {
      name: "CancelledError",
    });
    await assert.rejects(iso.extract(longName, join(dir, "no/such/folder")), /Cannot extract/);
    assert.deepEqual([...Deno.readDirSync(target)].map((each) => each.name), ["kernel"]);
    assert.equal(await Deno.readTextFile(out), "read me\n");
  });
});

Deno.test("several reads at once do not mix up their positions", async () => {
  await withTree(async (make) => {
    await using iso = await openIso(await make("-as", "mkisofs", "-r", "-o", "ISO", "TREE"));
    const reads = Array.from({ length: 50 }, (_, index) => iso.readFile(`many/file-${index}`).then(text));
    assert.deepEqual(await Promise.all(reads), Array.from({ length: 50 }, (_, index) => `${index}`));
  });
});
