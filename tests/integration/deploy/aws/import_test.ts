import assert from "node:assert/strict";
import { assertNothingInS3, deployer, failure } from "./deployer.ts";

Deno.test("without the role of VM Import it says how to make one, and goes on from there when there is one", async () => {
  await using one = await deployer();
  one.aws.ec2.roles.clear();
  const error = await failure(one);
  assert.match(
    error.message,
    /AWS has no role vmimport that VM Import may take on and that may read images$/,
  );
  assert.match(error.hint ?? "", /vmie\.amazonaws\.com.*s3:GetObject on images/);
  one.aws.ec2.roles.add("vmimport");
  one.aws.seen.splice(0);
  const planned = one.events.length;
  await one.deploy();
  assert.equal(one.aws.count("UploadPart"), 0);
  const texts = one.events.slice(planned).flatMap((each) => each.type === "planned" ? each.actions : []);
  assert.match(texts[0] ?? "", /^import it as a snapshot in eu-central-1$/);
  assertNothingInS3(one);
});

Deno.test("a role of another name is asked for by that name", async () => {
  await using one = await deployer({ settings: "role: importer" });
  assert.match((await failure(one)).message, /AWS has no role importer/);
  one.aws.ec2.roles.add("importer");
  assert.equal((await one.deploy()).state, "done");
});

Deno.test("an import that AWS gives up says why, and the disk is removed; a new one is a new task", async () => {
  await using one = await deployer();
  one.aws.ec2.failImports = "ClientError: Disk validation failed [Unsupported VMDK File Format]";
  const error = await failure(one);
  assert.match(
    error.message,
    /^Cannot import demo-.* as a snapshot \(import-snap-\w+\): ClientError: Disk valid/,
  );
  assertNothingInS3(one);
  assert.equal(one.aws.ec2.images.size, 0);
  delete one.aws.ec2.failImports;
  assert.equal((await one.deploy()).state, "done");
  assert.equal(one.aws.ec2.tasks.size, 2);
  assertNothingInS3(one);
});

Deno.test("an import that runs is waited for by the next run, not begun again", async () => {
  await using one = await deployer();
  one.aws.ec2.looksUntilDone = 2;
  one.aws.fail("DescribeImportSnapshotTasks", { status: 400, code: "RequestExpired" }, { after: 1 });
  await failure(one);
  one.aws.heal();
  one.aws.seen.splice(0);
  await one.deploy();
  assert.equal(one.aws.ec2.tasks.size, 1);
  assert.deepEqual([one.aws.count("UploadPart"), one.aws.count("ImportSnapshot")], [0, 0]);
  assertNothingInS3(one);
});

Deno.test("an import whose beginning was never told is not begun twice", async () => {
  await using one = await deployer();
  one.aws.fail("ImportSnapshot", "cut-answer");
  await failure(one);
  assert.equal(one.aws.ec2.tasks.size, 1);
  assert.equal((await one.record())?.ids.importTask, undefined);
  one.aws.heal();
  await one.deploy();
  assert.equal(one.aws.ec2.tasks.size, 1);
  assert.equal(one.aws.ec2.snapshots.size, 1);
});

Deno.test("EC2 may ask to slow down and fail for a moment", async () => {
  await using one = await deployer();
  one.aws.fail("ImportSnapshot", { status: 503, code: "RequestLimitExceeded" }, { times: 2 });
  one.aws.fail("DescribeImportSnapshotTasks", { status: 500, code: "InternalError" }, { times: 1 });
  assert.equal((await one.deploy()).state, "done");
});

Deno.test("a limit of the account is named, and the upload is kept", async () => {
  await using one = await deployer();
  const message = "You have reached the maximum number of snapshots";
  one.aws.fail("ImportSnapshot", { status: 400, code: "SnapshotLimitExceeded", message });
  const error = await failure(one);
  assert.match(
    error.message,
    /the account's limit in eu-central-1 is reached \(You have reached the maximum/,
  );
  assert.equal(one.aws.s3.objects.size, 1);
});

Deno.test("removing a deployment whose import runs ends the import and clears the bucket", async () => {
  await using one = await deployer();
  one.aws.ec2.looksUntilDone = 2;
  one.aws.fail("DescribeImportSnapshotTasks", { status: 403, code: "UnauthorizedOperation" });
  await failure(one);
  one.aws.heal();
  await one.remove();
  assert.deepEqual([...one.aws.ec2.tasks.values()].map(({ status }) => status), ["deleted"]);
  assert.equal(one.aws.ec2.snapshots.size, 0);
  assertNothingInS3(one);
});

Deno.test("removing a deployment whose import has ended meanwhile removes its snapshot", async () => {
  await using one = await deployer();
  one.aws.fail("CreateTags", { status: 403, code: "UnauthorizedOperation" });
  await failure(one);
  assert.equal(one.aws.ec2.snapshots.size, 1);
  await one.remove();
  assert.equal(one.aws.ec2.snapshots.size, 0);
  assertNothingInS3(one);
});

Deno.test("a snapshot is encrypted with the key that the target names", async () => {
  await using one = await deployer({ settings: "encrypted: true\nkms_key_id: alias/images" });
  const { ids } = await one.deploy();
  const { encrypted, key } = one.aws.ec2.snapshots.get(ids.snapshot ?? "")!;
  assert.deepEqual({ encrypted, key }, { encrypted: true, key: "alias/images" });
});
