import assert from "node:assert/strict";
import { deployer } from "./deployer.ts";

Deno.test("an image is deployed, listed, asked for and removed by commands", async () => {
  await using one = await deployer({ settings: 'launch_accounts: ["111122223333"]' });
  const { name } = one.image.entry;
  const dry = await one.pim("deploy", "run", "demo", "cloud", "--dry-run");
  assert.equal(dry.code, 0, dry.stderr);
  const object = `s3://images/pim/${name}-${one.image.sha256.slice(0, 16)}.vmdk`;
  assert.deepEqual(dry.stdout.trimEnd().split("\n"), [
    `cloud/${name}:`,
    "  write it as a stream-optimised VMDK to a temporary file",
    `  upload that to ${object}`,
    "  import it as a snapshot in eu-central-1",
    `  remove ${object}`,
    `  register it as the AMI ${name} (x86_64, legacy-bios, IMDSv2)`,
    "  let 111122223333 launch it",
  ]);
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
  const run = await one.pim("deploy", "run", "demo", "cloud");
  assert.deepEqual([run.code, run.stdout], [0, `the AMI ${name} in eu-central-1\n`], run.stderr);
  const output = JSON.parse((await one.pim("deploy", "output")).stdout);
  const { ids } = output.cloud["demo-amd64"];
  assert.deepEqual(Object.keys(ids).sort(), ["image", "region", "snapshot"]);
  assert.ok(one.aws.ec2.images.has(ids.image));
  assert.match((await one.pim("deploy", "status")).stdout, /\bthere\b/);
  assert.equal((await one.pim("deploy", "remove", `cloud/${name}`)).code, 0);
  assert.deepEqual([one.aws.ec2.images.size, one.aws.ec2.snapshots.size], [0, 0]);
});

Deno.test("secrets appear nowhere, not even when a deployment fails under --debug", async () => {
  await using one = await deployer();
  one.aws.fail("RegisterImage", { status: 400, code: "InvalidParameterValue", message: "no" });
  const { code, stdout, stderr } = await one.pim("--debug", "deploy", "run", "demo", "cloud", "--json");
  assert.equal(code, 9);
  assert.match(stderr, /AWS eu-central-1: register the AMI/);
  const registry = await Deno.readTextFile(`${one.paths.dataDir}/registry.yml`);
  for (const secret of Object.values(one.secrets)) {
    assert.ok(![stdout, stderr, registry].some((text) => text.includes(secret)));
  }
});

Deno.test("two pims that deploy the same image upload it once", async () => {
  await using one = await deployer({ mebibytes: 10 });
  const ends = await Promise.all([1, 2].map(() => one.pim("deploy", "run", "demo", "cloud")));
  assert.deepEqual(ends.map(({ code }) => code), [0, 0]);
  assert.equal(one.aws.count("UploadPart"), 2);
  assert.equal(one.aws.ec2.images.size, 1);
});

Deno.test("all that is wrong in an entry is said at once, with its line", async () => {
  await using one = await deployer();
  await one.user.write(
    "config/pim/targets.d/aws.yml",
    [
      "cloud:",
      "  type: aws",
      "  region: eu central",
      "  bucket: No",
      "  buket: x",
      "  secret_access_key: hunter2",
    ]
      .join("\n"),
  );
  const { code, stderr } = await one.pim("target", "list");
  assert.equal(code, 2);
  assert.match(stderr, /aws\.yml:3: region must be a region such as "eu-central-1"/);
  assert.match(stderr, /aws\.yml:4: bucket must be the name of an S3 bucket/);
  assert.match(stderr, /aws\.yml:5: buket is not known here\. Did you mean bucket\?/);
  assert.match(stderr, /aws\.yml:6: secret_access_key must be a reference such as "\$NAME"/);
});

Deno.test("settings that exclude or need each other are said to", async () => {
  await using one = await deployer({ settings: "profile: ops\nkms_key_id: k" });
  await one.change((text) => text.replace(/\n {2}secret_access_key:.*/, ""));
  const { code, stderr } = await one.pim("target", "list");
  assert.equal(code, 2);
  assert.match(stderr, /secret_access_key is missing \(access_key_id needs it\)/);
  assert.match(stderr, /profile must be left out beside access_key_id, not "ops"/);
  assert.match(stderr, /encrypted must be true beside kms_key_id, not false/);
});
