import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../lib/files.ts";
import { which } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";
import { unpackPackage } from "../../demo/packages.ts";

Deno.test({
  name: "a package is unpacked into a folder of which no parent is there yet (needs apt-get)",
  ignore: await which("apt-get") === undefined,
}, async () => {
  await using dir = await tempDir();
  const folder = join(dir.path, "cache/pim-demo/agent");
  await unpackPackage("qemu-guest-agent", folder, () => {});
  assert.ok(await exists(join(folder, "usr/sbin/qemu-ga")));
  assert.deepEqual((await Array.fromAsync(Deno.readDir(join(folder, "..")))).map(({ name }) => name), [
    "agent",
  ]);
});
