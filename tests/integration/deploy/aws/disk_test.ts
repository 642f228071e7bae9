import assert from "node:assert/strict";
import { join } from "node:path";
import { settleContentId, writeDisk } from "../../../../lib/deploy/aws/disk.ts";
import { hashFile } from "../../../../lib/hash.ts";
import type { ActionContext } from "../../../../lib/deploy/target.ts";
import { type Deployer, deployer, failure } from "./deployer.ts";

const { signal } = new AbortController();

async function writtenDisk({ image, user }: Deployer): Promise<string> {
  const workDir = await Deno.makeTempDir({ dir: user.path });
  const context: ActionContext = { ...{ signal, workDir, ids: {}, progress() {} }, async made() {} };
  await writeDisk(image, "qemu-img", context);
  return join(workDir, "disk.vmdk");
}

/** Gives a disk the id that qemu-img might have drawn, in its own form: without zeros at the beginning. */
async function drawId(path: string, id: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const descriptor = bytes.subarray(512, 21 * 512);
  const text = new TextDecoder().decode(descriptor).replace(/\0+$/, "");
  descriptor.fill(0);
  new TextEncoder().encodeInto(text.replace(/^CID=.*$/m, `CID=${id}`), descriptor);
  await Deno.writeFile(path, bytes);
}

Deno.test("the same image always makes the same VMDK, whatever id qemu-img draws", async () => {
  await using one = await deployer();
  const [first, second] = [await writtenDisk(one), await writtenDisk(one)];
  const sum = await hashFile(first, "sha256", { signal });
  assert.equal(await hashFile(second, "sha256", { signal }), sum);
  for (const id of ["deadbeef", "abcdef0", "1"]) {
    await drawId(second, id);
    assert.notEqual(await hashFile(second, "sha256", { signal }), sum);
    await settleContentId(second, one.image.sha256);
    assert.equal(await hashFile(second, "sha256", { signal }), sum, id);
  }
  const checked = await one.user.run(["qemu-img", "check", second]);
  assert.equal(checked.code, 0, checked.stderr);
});

Deno.test("a disk that cannot be written fails the deployment, with the folder that needs room", async () => {
  await using one = await deployer();
  const context: ActionContext = {
    ...{ signal, workDir: one.user.path, ids: {}, progress() {} },
    async made() {},
  };
  await assert.rejects(writeDisk(one.image, "false", context), {
    name: "DeployError",
    message: /^Cannot write demo-.* as vmdk: Cannot convert .*demo-.*\.qcow2 to .*disk\.vmdk/,
    hint: /see df \//,
  });
});

Deno.test("an image that is not what was built is not uploaded", async () => {
  await using one = await deployer();
  await Deno.writeTextFile(one.image.path, "something else");
  assert.match(
    (await failure(one)).message,
    /demo-.*\.qcow2 is not what was built \(its SHA-256 is [0-9a-f]{64}\)$/,
  );
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
});
