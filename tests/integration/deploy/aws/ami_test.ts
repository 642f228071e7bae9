import assert from "node:assert/strict";
import { assertNothingInS3, deployer, failure } from "./deployer.ts";

Deno.test("an AMI says how it is to be started: architecture, firmware, IMDSv2, a gp3 root disk", async () => {
  await using one = await deployer({ entry: { architecture: "arm64", firmware: "uefi" } });
  const { ids } = await one.deploy();
  const { parameters } = one.aws.ec2.images.get(ids.image ?? "")!;
  const of = (...names: string[]) => names.map((name) => parameters[name]);
  assert.deepEqual(of("Architecture", "BootMode", "ImdsSupport", "EnaSupport"), [
    "arm64",
    "uefi",
    "v2.0",
    "true",
  ]);
  const disk = "BlockDeviceMapping.1.Ebs";
  assert.deepEqual(of("RootDeviceName", `${disk}.VolumeType`, `${disk}.DeleteOnTermination`), [
    ...["/dev/xvda", "gp3", "true"],
  ]);
});

Deno.test("an AMI that is there, unchanged, is left as it is", async () => {
  await using one = await deployer();
  const first = await one.deploy();
  one.aws.seen.splice(0);
  assert.deepEqual(await one.deploy(), first);
  assert.deepEqual(one.aws.seen, ["DescribeImages"]);
  assert.equal(one.events.at(-1)?.type, "already");
});

Deno.test("a name that belongs to something else is left alone, even with --force", async () => {
  await using one = await deployer({ settings: "name: golden" });
  const id = one.aws.ec2.addForeignAmi("golden");
  for (const force of [false, true]) {
    const error = await failure(one, { force });
    assert.match(
      error.message,
      new RegExp(`has an AMI golden already \\(${id}\\), and pim has not made it$`),
    );
  }
  assert.deepEqual([...one.aws.ec2.images.keys()], [id]);
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
});

Deno.test("an AMI made from another image is replaced with --force only, with its snapshot", async () => {
  await using one = await deployer({ settings: "name: golden" });
  const first = await one.deploy();
  one.aws.ec2.images.get(first.ids.image ?? "")!.tags["pim:sha256"] = "0".repeat(64);
  assert.match((await failure(one)).message, /made from another image$/);
  const second = await one.deploy({ force: true });
  assert.deepEqual([...one.aws.ec2.images.keys()], [second.ids.image]);
  assert.deepEqual([...one.aws.ec2.snapshots.keys()], [second.ids.snapshot]);
  assert.notEqual(second.ids.image, first.ids.image);
  assertNothingInS3(one);
});

Deno.test("a replacement that is cut short at any point leaves nothing of either behind in the end", async () => {
  for (
    const operation of ["ImportSnapshot", "CreateTags", "DeregisterImage", "RegisterImage", "DeleteSnapshot"]
  ) {
    await using one = await deployer();
    await one.deploy();
    one.aws.fail(operation, { status: 403, code: "UnauthorizedOperation" });
    await failure(one, { force: true });
    one.aws.heal();
    const { ids } = await one.deploy();
    assert.deepEqual([...one.aws.ec2.images.keys()], [ids.image], operation);
    assert.deepEqual([...one.aws.ec2.snapshots.keys()], [ids.snapshot], operation);
    assert.equal(one.aws.ec2.images.get(ids.image ?? "")?.snapshot, ids.snapshot, operation);
    assertNothingInS3(one);
  }
});

Deno.test("an AMI that another host has made from this image is taken, and nothing uploaded", async () => {
  await using one = await deployer();
  const { ids } = await one.deploy();
  await Deno.remove(`${one.paths.dataDir}/registry.yml`);
  one.aws.seen.splice(0);
  const again = await one.deploy();
  assert.deepEqual(again.ids, ids);
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
});

Deno.test("an AMI that was registered while its answer was lost is the one", async () => {
  await using one = await deployer();
  one.aws.fail("RegisterImage", "cut-answer", { times: 1 });
  const { ids } = await one.deploy();
  assert.deepEqual([...one.aws.ec2.images.keys()], [ids.image]);
});

Deno.test("an AMI that was deregistered by hand is missing, and is made again", async () => {
  await using one = await deployer();
  const { ids } = await one.deploy();
  one.aws.ec2.images.delete(ids.image ?? "");
  const again = await one.deploy();
  assert.notEqual(again.ids.image, ids.image);
  assert.equal(one.aws.ec2.images.size, 1);
});

Deno.test("accounts that may launch it are added, and one that comes later is all that is left to do", async () => {
  await using one = await deployer({ settings: 'launch_accounts: ["111122223333"]' });
  const { ids } = await one.deploy();
  const { accounts } = one.aws.ec2.images.get(ids.image ?? "")!;
  assert.deepEqual([...accounts], ["111122223333"]);
  accounts.clear();
  one.aws.seen.splice(0);
  assert.deepEqual((await one.deploy()).ids, ids);
  assert.deepEqual([...accounts], ["111122223333"]);
  assert.equal(one.aws.count("ImportSnapshot"), 0);
});

Deno.test("removing a deployment removes the AMI and its snapshot, and can be done twice", async () => {
  await using one = await deployer();
  const { ids } = await one.deploy();
  const target = (await one.target()).open(one.tools());
  assert.equal(await target.presence(ids, one.image.sha256), "there");
  await one.remove();
  assert.deepEqual([one.aws.ec2.images.size, one.aws.ec2.snapshots.size], [0, 0]);
  assert.equal(await target.presence(ids, one.image.sha256), "missing");
  await target.remove(ids);
  await target[Symbol.asyncDispose]();
});

Deno.test("a target that was moved to another region does not lose what it has in the first one", async () => {
  await using one = await deployer();
  await one.deploy();
  await one.change((text) => text.replace("region: eu-central-1", "region: eu-west-1"));
  const error = await failure(one, { force: true });
  assert.match(error.message, / in eu-west-1: this target has it as the AMI .* in eu-central-1$/);
  await one.remove();
  assert.equal(one.aws.ec2.images.size, 0);
});

Deno.test("an upload to a bucket that is no longer the target's is removed there", async () => {
  await using one = await deployer();
  one.aws.fail("CompleteMultipartUpload", { status: 403, code: "QuotaExceeded" });
  await failure(one);
  one.aws.heal();
  one.aws.s3.buckets.add("larger");
  await one.change((text) => text.replace("bucket: images", "bucket: larger"));
  assert.equal((await one.deploy()).state, "done");
  assertNothingInS3(one);
});
