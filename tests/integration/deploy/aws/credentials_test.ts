import assert from "node:assert/strict";
import { deployer, failure } from "./deployer.ts";

const noMetadata = { AWS_EC2_METADATA_DISABLED: "true" };
const withoutKeys = (text: string) =>
  text.replaceAll(/\n {2}(access_key_id|secret_access_key|session_token):.*/g, "");

Deno.test("a wrong secret is refused before anything is made", async () => {
  await using one = await deployer();
  one.secrets.AWS_SECRET = "another-secret";
  const error = await failure(one);
  assert.match(error.message, /^Cannot look for an AMI demo-.*: AWS does not accept the credentials$/);
  assert.match(error.hint ?? "", /^Check access_key_id, secret_access_key and session_token in targets\.d/);
  assert.equal(await one.record(), undefined);
  const target = (await one.target()).open(one.tools());
  const checks = await target.check();
  await target[Symbol.asyncDispose]();
  assert.deepEqual(checks.map(({ name, ok }) => [name, ok]), [["images", false], ["bucket", false], [
    "import",
    false,
  ]]);
});

Deno.test("a bucket that is missing is said before the image is converted", async () => {
  await using one = await deployer();
  one.aws.s3.buckets.clear();
  const error = await failure(one);
  assert.equal(error.message, "Cannot use the bucket images: there is no bucket images");
  assert.match(error.hint ?? "", /aws s3 mb s3:\/\/images --region eu-central-1/);
  assert.equal(one.events.length, 0);
});

Deno.test("a bucket of another region, and one of other people, are told apart", async () => {
  await using one = await deployer();
  one.aws.fail("HeadBucket", { status: 301, code: "PermanentRedirect" }, { times: 1 });
  assert.match((await failure(one)).message, /the bucket images is not in eu-central-1$/);
  one.aws.fail("HeadBucket", { status: 403, code: "AccessDenied" }, { times: 1 });
  assert.match((await failure(one)).message, /access is denied$/);
});

Deno.test("a target can be checked, and what is wrong is named", async () => {
  await using one = await deployer();
  const look = async () => {
    await using target = (await one.target()).open(one.tools());
    return (await target.check()).map(({ name, ok, detail }) => `${name}: ${ok ? "ok" : detail}`);
  };
  assert.deepEqual(await look(), ["images: ok", "bucket: ok", "import: ok"]);
  one.aws.fail("ImportSnapshot", {
    status: 403,
    code: "UnauthorizedOperation",
    message: "You are not allowed",
  });
  assert.deepEqual(await look(), [
    ...["images: ok", "bucket: ok"],
    "import: Cannot import snapshots: You are not allowed",
  ]);
});

Deno.test("a service that cannot be reached is named with what it was asked for", async () => {
  await using one = await deployer();
  await one.change((text) => text.replace(/ec2_endpoint: .*/, "ec2_endpoint: http://127.0.0.1:9"));
  assert.match((await failure(one)).message, /the connection failed \(.*(refused|REFUSED).*\)$/);
});

Deno.test("credentials come from a profile of ~/.aws, as with all tools of AWS", async () => {
  await using one = await deployer();
  const { id, secret, token } = one.aws.key;
  const lines = [
    `aws_access_key_id = ${id}`,
    `aws_secret_access_key = ${secret}`,
    `aws_session_token = ${token}`,
  ];
  await one.user.write(".aws/credentials", ["[ops]", ...lines, ""].join("\n"));
  await one.change((text) => `${withoutKeys(text)}\n  profile: ops`);
  const { code, stderr } = await one.pim("deploy", "run", "demo", "cloud");
  assert.equal(code, 0, stderr);
  await one.change((text) => text.replace("profile: ops", "profile: dev"));
  const wrong = await one.pim("deploy", "status");
  assert.match(wrong.stdout, /there are no credentials that can be used/);
});

Deno.test("credentials come from the environment, as with all tools of AWS", async () => {
  await using one = await deployer();
  await one.change(withoutKeys);
  const { id, secret, token = "" } = one.aws.key;
  const argv = [...one.user.argv, "target", "check"];
  const keys = { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token };
  const checked = await one.user.run(argv, { env: keys });
  assert.equal(checked.code, 0, checked.stderr);
  const without = await one.user.run(argv, { env: noMetadata });
  assert.equal(without.code, 9);
  assert.match(without.stderr, /there are no credentials that can be used/);
  assert.match(without.stderr, /hint: Set `profile` in targets\.d, or AWS_ACCESS_KEY_ID/);
});
