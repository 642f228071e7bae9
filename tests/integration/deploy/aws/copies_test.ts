import assert from "node:assert/strict";
import { deployer, failure } from "./deployer.ts";

const abroad = "copy_to: [us-east-1]";

Deno.test("an AMI is copied to other regions, marked there, and shared there", async () => {
  await using one = await deployer({ settings: `${abroad}\nlaunch_accounts: ["111122223333"]` });
  const { ids, where } = await one.deploy();
  assert.equal(where, `the AMI ${one.image.entry.name} in eu-central-1, us-east-1`);
  const { images, snapshots } = one.aws.ec2Abroad;
  const copy = images.get(ids["image:us-east-1"] ?? "");
  assert.equal(copy?.tags["pim:sha256"], one.image.sha256);
  assert.deepEqual([...copy?.accounts ?? []], ["111122223333"]);
  assert.equal(copy?.snapshot, ids["snapshot:us-east-1"]);
  assert.equal(snapshots.get(copy?.snapshot ?? "")?.tags["pim:sha256"], one.image.sha256);
  assert.deepEqual(await one.deploy().then((again) => again.ids), ids);
  assert.equal(one.events.at(-1)?.type, "already");
});

Deno.test("a region that is added later gets its copy, and nothing is uploaded again", async () => {
  await using one = await deployer();
  const first = await one.deploy();
  await one.change((text) => `${text}\n  ${abroad}`);
  one.aws.seen.splice(0);
  const { ids } = await one.deploy();
  assert.equal(ids.image, first.ids.image);
  assert.deepEqual([one.aws.count("CreateMultipartUpload"), one.aws.count("CopyImage")], [0, 1]);
  assert.equal(one.aws.ec2Abroad.images.size, 1);
});

Deno.test("a copy whose beginning was never told is not made twice", async () => {
  await using one = await deployer({ settings: abroad });
  one.aws.fail("CopyImage", "cut-answer");
  await failure(one);
  one.aws.heal();
  const { ids } = await one.deploy();
  assert.deepEqual([...one.aws.ec2Abroad.images.keys()], [ids["image:us-east-1"]]);
});

Deno.test("a name that belongs to something else in the other region stops it before anything is made", async () => {
  await using one = await deployer({ settings: `${abroad}\nname: golden` });
  one.aws.ec2Abroad.addForeignAmi("golden");
  assert.match(
    (await failure(one, { force: true })).message,
    /us-east-1 has an AMI golden already .*not made it$/,
  );
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
});

Deno.test("copies are replaced with --force and removed with their deployment, with their snapshots", async () => {
  await using one = await deployer({ settings: abroad });
  await one.deploy();
  one.aws.fail("CopyImage", { status: 403, code: "UnauthorizedOperation" });
  await failure(one, { force: true });
  one.aws.heal();
  const { ids } = await one.deploy();
  const { images, snapshots } = one.aws.ec2Abroad;
  assert.deepEqual([...images.keys(), ...snapshots.keys()], [
    ids["image:us-east-1"],
    ids["snapshot:us-east-1"],
  ]);
  await one.remove();
  assert.deepEqual([images.size, snapshots.size, one.aws.ec2.images.size, one.aws.ec2.snapshots.size], [
    0,
    0,
    0,
    0,
  ]);
});
