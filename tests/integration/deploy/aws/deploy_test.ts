import assert from "node:assert/strict";
import { join } from "node:path";
import { deployer } from "./deployer.ts";

Deno.test("an image becomes an AMI: uploaded in parts, imported, registered, and its object removed", async () => {
  await using one = await deployer({ mebibytes: 20 });
  const { aws, image } = one;
  const { ids, state, where } = await one.deploy();
  assert.equal(state, "done");
  assert.equal(where, `the AMI ${image.entry.name} in eu-central-1`);
  assert.equal(aws.count("UploadPart"), 3);
  assert.deepEqual([...aws.s3.objects.keys(), ...aws.s3.uploads.keys()], []);
  const ami = aws.ec2.images.get(ids.image ?? "");
  assert.equal(ami?.name, image.entry.name);
  assert.equal(ami?.snapshot, ids.snapshot);
  const marks = { Name: image.entry.name, "pim:image": image.entry.name, "pim:sha256": image.sha256 };
  assert.deepEqual(ami?.tags, marks);
  assert.deepEqual(aws.ec2.snapshots.get(ids.snapshot ?? "")?.tags, marks);
});

Deno.test("the disk that EC2 imports has the image's content", async () => {
  await using one = await deployer();
  const { ids } = await one.deploy();
  const imported = join(one.user.path, "imported.vmdk");
  await Deno.writeFile(imported, one.aws.ec2.snapshots.get(ids.snapshot ?? "")!.bytes);
  const compared = await one.user.run(["qemu-img", "compare", imported, one.image.path]);
  assert.equal(compared.code, 0, compared.stdout + compared.stderr);
});

Deno.test("an import and an AMI that take their time are waited for, and the import tells how far it is", async () => {
  await using one = await deployer();
  one.aws.ec2.looksUntilDone = 2;
  assert.equal((await one.deploy()).state, "done");
  assert.equal(one.aws.count("DescribeImportSnapshotTasks"), 3);
  const told = one.events.flatMap((each) =>
    each.type === "progress" && each.text.startsWith("import") ? [each.bytes / each.totalBytes] : []
  );
  assert.equal(told.at(-1), 1);
  assert.ok(told.some((fraction) => fraction > 0 && fraction < 1), String(told));
});
