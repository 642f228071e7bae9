import { deepEqual, equal, rejects } from "node:assert/strict";
import { join } from "node:path";
import { PimError } from "../../lib/errors.ts";
import { which } from "../../lib/process.ts";
import { compressionSpec, usableCompression } from "../../lib/qemu/compression.ts";
import { convertArgs } from "../../lib/qemu/img_args.ts";
import { tempDir } from "../base/temp.ts";

const convert = { source: "a", target: "b", format: "qcow2" };

Deno.test("the argv of a compressed image names the compression, that of a plain one nothing", () => {
  deepEqual(
    convertArgs("qi", { ...convert, ...compressionSpec("zstd") }),
    ["qi", "convert", "-p", "-O", "qcow2", "-c", "-o", "compression_type=zstd", "a", "b"],
  );
  deepEqual(
    convertArgs("qi", { ...convert, ...compressionSpec("none") }),
    ["qi", "convert", "-p", "-O", "qcow2", "a", "b"],
  );
});

Deno.test("a QEMU without zstd compresses with zlib, and only who wants zstd is asked", async () => {
  await using dir = await tempDir();
  const without = join(dir.path, "qemu-img");
  await Deno.writeTextFile(without, "#!/bin/sh\necho \"Invalid parameter 'zstd'\" >&2\nexit 1\n", {
    mode: 0o755,
  });
  equal(await usableCompression("zstd", { qemuImg: without, dir: dir.path }), "zlib");
  equal(await usableCompression("none", { qemuImg: "/nowhere", dir: dir.path }), "none");
  await rejects(usableCompression("zstd", { qemuImg: "/nowhere", dir: dir.path }), PimError);
});

Deno.test({
  name: "this QEMU's zstd is used where it has it, and the trial leaves nothing",
  ignore: await which("qemu-img") === undefined,
  fn: async () => {
    await using dir = await tempDir();
    const usable = await usableCompression("zstd", { qemuImg: "qemu-img", dir: dir.path });
    equal(usable === "none", false);
    deepEqual([...Deno.readDirSync(dir.path)], []);
  },
});
