import assert from "node:assert/strict";
import { join } from "node:path";
import { CancelledError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { which } from "../../lib/process.ts";
import {
  checkImage,
  convertImage,
  createDisk,
  createOverlay,
  createUnopenedOverlay,
  imageInfo,
} from "../../lib/qemu/img.ts";
import {
  convertArgs,
  createDiskArgs,
  createOverlayArgs,
  createUnopenedOverlayArgs,
  infoArgs,
  parseProgress,
} from "../../lib/qemu/img_args.ts";
import { parseDiskSize } from "../../lib/qemu/disk_size.ts";
import { tempDir } from "../base/temp.ts";

const qemuImg = await which("qemu-img") ?? "qemu-img";
const MiB = 1024 * 1024;

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const folder = temp.path;
  await use(folder);
}

Deno.test("the argv of qemu-img is fixed", () => {
  assert.deepEqual(createDiskArgs("qi", "/a", 512, "raw"), ["qi", "create", "-q", "-f", "raw", "/a", "512"]);
  assert.deepEqual(
    createOverlayArgs("qi", "/o", "/b", "qcow2", 1024),
    ["qi", "create", "-q", "-f", "qcow2", "-b", "/b", "-F", "qcow2", "/o", "1024"],
  );
  assert.deepEqual(
    createUnopenedOverlayArgs("qi", "/o", "/b", 1024),
    ["qi", "create", "-q", "-u", "-f", "qcow2", "-b", "/b", "-F", "qcow2", "/o", "1024"],
  );
  assert.deepEqual(infoArgs("qi", "/a", true), ["qi", "info", "--output=json", "-U", "/a"]);
  assert.deepEqual(
    convertArgs("qi", { source: "/a", target: "/b", format: "qcow2", compress: true }),
    ["qi", "convert", "-p", "-O", "qcow2", "-c", "/a", "/b"],
  );
  assert.deepEqual(
    convertArgs("qi", {
      source: "/a",
      target: "/b",
      format: "vmdk",
      options: { subformat: "streamOptimized", x: "1,2" },
    }),
    ["qi", "convert", "-p", "-O", "vmdk", "-o", "subformat=streamOptimized,x=1,,2", "/a", "/b"],
  );
});

Deno.test("progress is the newest number of the line that qemu-img redraws", () => {
  assert.equal(parseProgress("    (0.00/100%)\r    (12.50/100%)\r"), 0.125);
  assert.equal(parseProgress("    (100.00/100%)\n"), 1);
  assert.equal(parseProgress("    (12.5"), undefined);
});

Deno.test("a disk is made with its size, and never over something that is there", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a, b.qcow2");
    await createDisk(path, 20 * 1024 * MiB, { qemuImg });
    const info = await imageInfo(path, { qemuImg });
    assert.equal(info.format, "qcow2");
    assert.equal(info.virtualBytes, 20 * 1024 * MiB);
    assert(info.actualBytes < MiB);
    assert.equal(info.backingFile, undefined);
    await assert.rejects(createDisk(path, MiB, { qemuImg }), /something is there already/);
    await assert.rejects(createDisk(join(folder, "no/where"), MiB, { qemuImg }), /No such file or directory/);
  });
});

Deno.test("an overlay knows its base, may be larger, and is flattened by convert with progress", async () => {
  await withFolder(async (folder) => {
    const [base, overlay, flat] = ["base.raw", "overlay.qcow2", "flat.qcow2"].map((name) =>
      join(folder, name)
    ) as [
      string,
      string,
      string,
    ];
    // Not all zero, so that there is something to convert.
    await Deno.writeFile(base, new Uint8Array(8 * MiB).fill(7));
    await createOverlay(overlay, base, { qemuImg, baseFormat: "raw", diskBytes: 16 * MiB });
    assert.equal((await imageInfo(overlay, { qemuImg })).backingFile, base);
    const seen: number[] = [];
    await convertImage({ source: overlay, target: flat, format: "qcow2" }, {
      qemuImg,
      onProgress: (fraction) => seen.push(fraction),
    });
    const info = await imageInfo(flat, { qemuImg });
    assert.deepEqual([info.backingFile, info.virtualBytes], [undefined, 16 * MiB]);
    assert(info.actualBytes >= 8 * MiB);
    assert.equal(seen.at(-1), 1);
    assert.deepEqual(seen, [...seen].sort((a, b) => a - b));
    const small = join(folder, "small.qcow2");
    await convertImage({ source: overlay, target: small, format: "qcow2", compress: true }, { qemuImg });
    assert((await imageInfo(small, { qemuImg })).actualBytes < 2 * MiB);
  });
});

Deno.test("an overlay can be made before its base is there, and never over something", async () => {
  await withFolder(async (folder) => {
    const [base, overlay] = [join(folder, "later.qcow2"), join(folder, "overlay.qcow2")];
    await createUnopenedOverlay(overlay, base, { qemuImg, diskBytes: 16 * MiB });
    await assert.rejects(
      createUnopenedOverlay(overlay, base, { qemuImg, diskBytes: MiB }),
      /something is there already/,
    );
    await createDisk(base, 16 * MiB, { qemuImg });
    const info = await imageInfo(overlay, { qemuImg });
    assert.deepEqual([info.backingFile, info.virtualBytes], [base, 16 * MiB]);
  });
});

Deno.test("a conversion that fails says why and leaves nothing behind", async () => {
  await withFolder(async (folder) => {
    const target = join(folder, "b.qcow2");
    const spec = { source: join(folder, "missing.qcow2"), target, format: "qcow2" };
    await assert.rejects(
      convertImage(spec, { qemuImg }),
      /^PimError: Cannot convert .*missing.qcow2.*No such file/,
    );
    const source = join(folder, "a.raw");
    await Deno.writeFile(source, new Uint8Array(MiB));
    const signal = AbortSignal.abort();
    await assert.rejects(
      convertImage({ ...spec, source }, { qemuImg, signal }),
      (error) => error instanceof CancelledError,
    );
    assert(!await exists(target));
    await Deno.writeTextFile(target, "precious");
    await assert.rejects(convertImage({ ...spec, source }, { qemuImg }), /something is there already/);
    assert.equal(await Deno.readTextFile(target), "precious");
  });
});

Deno.test("aborting a conversion half-way removes what was written", async () => {
  await withFolder(async (folder) => {
    const [source, target] = [join(folder, "a.raw"), join(folder, "b.qcow2")];
    const noise = crypto.getRandomValues(new Uint8Array(65536));
    using file = await Deno.open(source, { write: true, createNew: true });
    for (let written = 0; written < 64 * MiB; written += noise.length) await file.write(noise);
    const controller = new AbortController();
    const converting = convertImage({ source, target, format: "qcow2", compress: true }, {
      qemuImg,
      signal: controller.signal,
      onProgress: (fraction) => fraction > 0 && controller.abort(),
    });
    await assert.rejects(converting, (error) => error instanceof CancelledError);
    assert(!await exists(target));
  });
});

Deno.test("a check finds what is wrong inside an image", async () => {
  await withFolder(async (folder) => {
    const path = join(folder, "a.qcow2");
    await createDisk(path, 64 * MiB, { qemuImg });
    assert.deepEqual(await checkImage(path, { qemuImg }), { corruptions: 0, leaks: 0, errors: 0 });
    using file = await Deno.open(path, { write: true, read: true });
    await file.seek(0x30000, Deno.SeekMode.Start); // The first table of clusters lies here in a new image.
    await file.write(new Uint8Array([0x80, 0, 0, 0, 0, 5, 0, 0]));
    const check = await checkImage(path, { qemuImg });
    assert(check.corruptions > 0, JSON.stringify(check));
    const raw = join(folder, "a.raw");
    await createDisk(raw, MiB, { qemuImg, format: "raw" });
    assert.deepEqual(await checkImage(raw, { qemuImg }), { corruptions: 0, leaks: 0, errors: 0 });
  });
});

Deno.test("sizes of disks are read in powers of 1024 and rounded up to sectors", () => {
  const sizes: [string, number][] = [
    ["20G", 20 * 1024 ** 3],
    ["512M", 512 * MiB],
    ["1.5TiB", 1.5 * 1024 ** 4],
    [" 10 gb ", 10 * 1024 ** 3],
    ["600", 1024],
  ];
  for (const [text, bytes] of sizes) assert.equal(parseDiskSize(text), bytes, text);
  for (const text of ["", "G", "-1G", "20X", "1e9", "0", "20 GG", "9999999999T"]) {
    assert.throws(() => parseDiskSize(text), /^UsageError: Not a disk size/, text);
  }
});
