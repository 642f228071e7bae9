import assert from "node:assert/strict";
import { join } from "node:path";
import { openIso } from "../../../lib/iso/iso9660/iso9660.ts";
import { isoImage, type NewIsoFile } from "../../../lib/iso/iso9660/write.ts";
import { run, which } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";
import { sectorBytes } from "./image_builder.ts";

const created = new Date("2026-03-04T05:06:07.890Z");

/** Bytes that differ from place to place, so that a shifted or cut file is seen. */
function content(length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + length) & 0xff);
}

const sizes = [0, 1, 2047, 2048, 2049, 4096, 3_000_001];
const sized = sizes.map((size) => ({ name: `Size ${size}`, content: content(size) }));
// Alike in their first letters and their endings, more than fit into one block of records.
const many = Array.from({ length: 100 }, (_, index) => ({
  name: `network-config-${index}.yaml`,
  content: content(index * 41),
}));
const seed = [
  { name: "user-data", content: "#cloud-config\n{}\n# ümläut\n" },
  { name: "meta-data", content: "instance-id: a\n" },
  { name: "network-config", content: "" },
];
const longest = { name: "n".repeat(60) + ".abc", content: "long" };
const files: readonly NewIsoFile[] = [...sized, ...many, ...seed, longest];

function bytesOf(file: NewIsoFile): Uint8Array {
  return typeof file.content === "string" ? new TextEncoder().encode(file.content) : file.content;
}

/** Takes the marks of Rock Ridge, or of that and Joliet, out of an image. */
function without(image: Uint8Array<ArrayBuffer>, joliet: boolean): Uint8Array<ArrayBuffer> {
  const copy = image.slice();
  const rootBlock = new DataView(copy.buffer).getUint32(16 * sectorBytes + 158, true);
  const marker = rootBlock * sectorBytes + 34;
  assert.equal(new TextDecoder().decode(copy.subarray(marker, marker + 2)), "SP");
  copy.fill(0, marker, marker + 7);
  if (joliet) copy.fill(0, 17 * sectorBytes + 88, 17 * sectorBytes + 91);
  return copy;
}

Deno.test("our own reader finds every file by Rock Ridge, and by Joliet where that is not known", async () => {
  await using dir = await tempDir();
  const image = isoImage({ volume: "cidata", files });
  for (const [naming, bytes] of [["rock-ridge", image], ["joliet", without(image, false)]] as const) {
    const path = join(dir.path, `${naming}.iso`);
    await Deno.writeFile(path, bytes);
    await using iso = await openIso(path);
    assert.equal(iso.naming, naming);
    assert.equal(iso.volumeId, "cidata");
    const listed = await iso.list("/");
    assert.deepEqual(listed.map(({ name }) => name).sort(), files.map(({ name }) => name).sort());
    assert.deepEqual(
      new Set(listed.map(({ mode }) => mode)),
      new Set([naming === "joliet" ? undefined : 0o444]),
    );
    for (const file of files) assert.deepEqual(await iso.readFile(file.name), bytesOf(file), file.name);
  }
});

Deno.test("readers of plain ISO 9660 get names of 8 and 3 characters, each once and in order", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "plain.iso");
  await Deno.writeFile(path, without(isoImage({ volume: "cidata", files }), true));
  await using iso = await openIso(path);
  assert.equal(iso.naming, "plain");
  const names = (await iso.list("/")).map(({ name }) => name);
  assert.equal(new Set(names).size, files.length);
  assert.deepEqual(names.filter((name) => !/^[A-Z0-9_]{1,8}(\.[A-Z0-9_]{1,3})?$/.test(name)), []);
  // A name that is the beginning of another comes first.
  const key = (name: string) =>
    name.split(".").map((part, index) => part.padEnd(index === 0 ? 8 : 3)).join("");
  assert.deepEqual(names, names.toSorted((a, b) => key(a) < key(b) ? -1 : 1));
  assert.equal(new TextDecoder().decode(await iso.readFile("META_DAT")), "instance-id: a\n");
});

Deno.test("both byte orders say the same in descriptors, path tables and records", () => {
  const image = isoImage({ volume: "cidata", files, created });
  const view = new DataView(image.buffer);
  const both32 = (at: number) => {
    assert.equal(view.getUint32(at, true), view.getUint32(at + 4, false), `byte ${at}`);
    return view.getUint32(at, true);
  };
  const roots = [16, 17].map((block) => {
    const start = block * sectorBytes;
    assert.equal(both32(start + 80), image.length / sectorBytes);
    for (const [at, value] of [[120, 1], [124, 1], [128, sectorBytes]] as const) {
      assert.equal(view.getUint16(start + at, true), value);
      assert.equal(view.getUint16(start + at + 2, false), value);
    }
    assert.equal(both32(start + 132), 10);
    const root = { block: both32(start + 158), bytes: both32(start + 166) };
    const little = view.getUint32(start + 140, true) * sectorBytes;
    const big = view.getUint32(start + 148, false) * sectorBytes;
    assert.deepEqual([...image.subarray(little, little + 2)], [1, 0]);
    assert.deepEqual([...image.subarray(big, big + 2)], [1, 0]);
    assert.equal(view.getUint32(little + 2, true), root.block);
    assert.equal(view.getUint32(big + 2, false), root.block);
    assert.equal(view.getUint16(little + 6, true), 1);
    assert.equal(view.getUint16(big + 6, false), 1);
    return root;
  });
  for (const root of roots) {
    let count = 0;
    for (let at = root.block * sectorBytes; at < root.block * sectorBytes + root.bytes;) {
      const length = view.getUint8(at);
      if (length === 0) {
        at = Math.ceil((at + 1) / sectorBytes) * sectorBytes;
        continue;
      }
      const end = both32(at + 2) + Math.ceil(both32(at + 10) / sectorBytes);
      assert.ok(end <= image.length / sectorBytes && both32(at + 2) < image.length / sectorBytes);
      assert.deepEqual([...image.subarray(at + 18, at + 25)], [126, 3, 4, 5, 6, 7, 0]);
      count++;
      at += length;
    }
    assert.equal(count, files.length + 2);
  }
});

Deno.test("equal input makes equal bytes", () => {
  assert.deepEqual(isoImage({ volume: "cidata", files: seed }), isoImage({ volume: "cidata", files: seed }));
});

Deno.test("names that Windows or a reader could not keep are refused", () => {
  const make = (...names: string[]) =>
    isoImage({ volume: "cidata", files: names.map((name) => ({ name, content: "" })) });
  for (
    const name of [
      "",
      ".",
      "..",
      "a/b",
      "a\\b",
      "a:b",
      "a;1",
      "a*",
      "a?",
      "a.",
      "a ",
      "ä",
      "a\n",
      "n".repeat(65),
    ]
  ) {
    assert.throws(() => make(name), /file named/, name);
  }
  assert.throws(() => make("a", "b", "a"), /two files named "a"/);
  for (const volume of ["", "v".repeat(17), "é"]) {
    assert.throws(() => isoImage({ volume, files: [] }), /the label/);
  }
});

/** Writes the image and a folder with the same files. */
async function written(dir: string): Promise<{ readonly iso: string; readonly expected: string }> {
  const [iso, expected] = [join(dir, "seed.iso"), join(dir, "expected")];
  await Deno.writeFile(iso, isoImage({ volume: "cidata", files, created }));
  await Deno.mkdir(expected);
  for (const file of files) await Deno.writeFile(join(expected, file.name), bytesOf(file));
  return { iso, expected };
}

Deno.test({
  name: "xorriso takes every file out as it went in",
  ignore: await which("xorriso") === undefined,
  async fn() {
    await using dir = await tempDir();
    const { iso, expected } = await written(dir.path);
    const out = join(dir.path, "out");
    const argv = ["xorriso", "-abort_on", "WARNING", "-report_about", "NOTE", "-osirrox", "on"];
    const { stdout, stderr } = await run([...argv, "-indev", iso, "-toc", "-extract", "/", out]);
    assert.match(stdout, /ISO offers {3}: Rock_Ridge Joliet/);
    assert.match(stderr, /Volume id {4}: 'cidata'/);
    await run(["diff", "-r", expected, out]);
    await run(["chmod", "-R", "u+w", out]);
  },
});

Deno.test({
  name: "isoinfo lists and takes out the files by both kinds of names",
  ignore: await which("isoinfo") === undefined,
  async fn() {
    await using dir = await tempDir();
    const { iso } = await written(dir.path);
    for (const [flag, path] of [["-R", "/user-data"], ["-J", "/user-data;1"]] as const) {
      const listed = (await run(["isoinfo", flag, "-f", "-i", iso])).stdout.trim().split("\n");
      const names = listed.map((line) => line.slice(1).replace(/;1$/, ""));
      assert.deepEqual(names.sort(), files.map(({ name }) => name).sort());
      assert.equal((await run(["isoinfo", flag, "-x", path, "-i", iso])).stdout, seed[0]?.content);
    }
    const { stdout } = await run(["isoinfo", "-d", "-i", iso]);
    assert.match(stdout, /Volume id: cidata\n/);
    assert.match(stdout, /Joliet with UCS level 3 found\nRock Ridge signatures version 1 found/);
  },
});

Deno.test({
  name: "blkid, by which cloud-init looks for a seed, finds the label in lower case",
  ignore: await which("blkid") === undefined,
  async fn() {
    await using dir = await tempDir();
    const { iso } = await written(dir.path);
    const { stdout } = await run(["blkid", "-p", "-o", "export", iso]);
    assert.match(stdout, /^LABEL=cidata$/m);
    assert.match(stdout, /^TYPE=iso9660$/m);
    assert.match(stdout, /^UUID=2026-03-04-05-06-07-89$/m);
  },
});
