import assert from "node:assert/strict";
import { join } from "node:path";
import { writeDisk } from "../../../lib/deploy/aws/disk.ts";
import { sha256Of } from "../../../lib/deploy/copy_file.ts";
import type { ActionContext } from "../../../lib/deploy/target.ts";
import { deployer } from "./deployer.ts";

Deno.test("the same image always makes the same VMDK, whatever id qemu-img draws", async () => {
  await using one = await deployer();
  const { signal } = new AbortController();
  const sums = new Set<string>();
  // One id in 16 begins with a zero, and is shorter.
  for (let attempt = 0; attempt < 48; attempt++) {
    const workDir = await Deno.makeTempDir({ dir: one.user.path });
    const context: ActionContext = { ...{ signal, workDir, ids: {}, progress() {} }, async made() {} };
    await writeDisk(one.image, "qemu-img", context);
    sums.add(await sha256Of(join(workDir, "disk.vmdk"), signal));
    await Deno.remove(workDir, { recursive: true });
  }
  assert.equal(sums.size, 1);
});
