import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { partBytes } from "../../../../lib/deploy/aws/upload.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { exists } from "../../../../lib/files.ts";
import { deployDir } from "../../../../lib/paths.ts";
import { assertNothingInS3, type Deployer, deployer, failure } from "./deployer.ts";

// In parts of 8 MiB.
const fiveParts = { mebibytes: 36 };
const threeParts = { mebibytes: 20 };

/** Ends a pim that deploys when two of its five parts are there and the others hang; tells its exit code. */
async function endInUpload({ aws, endPim }: Deployer, signal: "SIGKILL" | "SIGINT"): Promise<number> {
  aws.fail("UploadPart", "hang", { after: 2 });
  return await endPim(signal, () => aws.count("UploadPart") >= 5, "deploy", "run", "demo", "cloud");
}

/** Watches the one upload that is unfinished: returns which parts have come since. A busy machine may send one twice. */
function watchParts({ aws }: Deployer): () => readonly number[] {
  const [upload] = aws.s3.uploads.values();
  const { parts } = upload!;
  const before = new Map(parts);
  return () => [...parts].filter(([number, part]) => before.get(number) !== part).map(([number]) => number);
}

Deno.test("parts have 8 MiB, and more where there would be more than 10,000 of them", () => {
  const gibibyte = 1024 ** 3;
  assert.equal(partBytes(1), 8 * 1024 ** 2);
  assert.equal(partBytes(78 * gibibyte), 8 * 1024 ** 2);
  for (const bytes of [79 * gibibyte, 1000 * gibibyte, 5000 * gibibyte]) {
    assert.ok(Math.ceil(bytes / partBytes(bytes)) <= 10_000, String(bytes));
  }
});

Deno.test("after a connection that stays cut, the next run sends only the parts that are missing", async () => {
  await using one = await deployer(fiveParts);
  one.aws.fail("UploadPart", "cut", { after: 2 });
  const error = await failure(one);
  assert.match(error.message, /^Cannot upload part \d of s3:\/\/images\/pim\/demo.*: the connection failed/);
  assert.match(error.hint ?? "", /goes on from where it was/);
  const record = await one.record();
  assert.equal(record?.state, "unfinished");
  assert.ok(one.aws.s3.uploads.has(record?.ids.upload ?? ""));
  one.aws.heal();
  one.aws.seen.splice(0);
  const sent = watchParts(one);
  assert.equal((await one.deploy()).state, "done");
  assert.equal(sent().length, 3);
  assert.equal(one.aws.count("CreateMultipartUpload"), 0);
  assertNothingInS3(one);
});

Deno.test("after kill -9, the next pim sends only the parts that are missing", async () => {
  await using one = await deployer(fiveParts);
  const { aws } = one;
  await endInUpload(one, "SIGKILL");
  assert.equal((await one.record())?.state, "unfinished");
  aws.heal();
  const sent = watchParts(one);
  const { code, stderr } = await one.pim("deploy", "run", "demo", "cloud");
  assert.equal(code, 0, stderr);
  assert.equal(sent().length, 3);
  assert.equal((await one.record())?.state, "done");
  assertNothingInS3(one);
});

Deno.test("one cut connection, one 500 and two requests to slow down are got over in one run", async () => {
  await using one = await deployer(threeParts);
  one.aws.fail("UploadPart", "cut", { after: 1, times: 1 });
  one.aws.fail("CompleteMultipartUpload", { status: 500, code: "InternalError" }, { times: 1 });
  one.aws.fail("HeadObject", { status: 503, code: "SlowDown" }, { times: 2 });
  assert.equal((await one.deploy()).state, "done");
  assert.equal(one.aws.count("UploadPart"), 4);
});

Deno.test("a part that is another one at S3 is sent again", async () => {
  await using one = await deployer(threeParts);
  one.aws.fail("CompleteMultipartUpload", { status: 403, code: "AccessDenied" });
  await failure(one);
  const [upload] = one.aws.s3.uploads.values();
  const part = upload!.parts.get(2)!;
  upload!.parts.set(2, { ...part, sha256: "AAAA" });
  one.aws.heal();
  const sent = watchParts(one);
  await one.deploy();
  assert.deepEqual(sent(), [2]);
});

Deno.test("a service that keeps no checksums is asked for the MD5 of its parts", async () => {
  await using one = await deployer(threeParts);
  one.aws.s3.keepsChecksums = false;
  one.aws.fail("CompleteMultipartUpload", { status: 403, code: "AccessDenied" });
  await failure(one);
  const [upload] = one.aws.s3.uploads.values();
  upload!.parts.set(2, { ...upload!.parts.get(2)!, etag: '"00"' });
  one.aws.heal();
  const sent = watchParts(one);
  await one.deploy();
  assert.deepEqual(sent(), [2]);
});

Deno.test("Ctrl-C ends pim with its own exit code and leaves no file behind, and the upload can go on", async () => {
  await using one = await deployer(fiveParts);
  assert.equal(await endInUpload(one, "SIGINT"), 130);
  const record = await one.record();
  assert.equal(await exists(deployDir(one.paths, "cloud", record?.image ?? "")), false);
  assert.ok(one.aws.s3.uploads.has(record?.ids.upload ?? ""));
});

Deno.test("uploads whose beginning was never told are found, and none is left", async () => {
  await using one = await deployer();
  one.aws.fail("CreateMultipartUpload", "cut-answer");
  await failure(one);
  const begun = one.aws.s3.uploads.size;
  assert.ok(begun > 0);
  assert.equal((await one.record())?.ids.upload, undefined);
  one.aws.heal();
  await one.deploy();
  assert.equal(one.aws.count("CreateMultipartUpload"), begun);
  assertNothingInS3(one);
});

Deno.test("an upload that was completed while its answer was lost is not sent again", async () => {
  await using one = await deployer(threeParts);
  one.aws.fail("CompleteMultipartUpload", "cut-answer", { times: 1 });
  assert.equal((await one.deploy()).state, "done");
  assert.equal(one.aws.count("UploadPart"), 3);
});

Deno.test("what arrives with another checksum is removed, and nothing is imported", async () => {
  await using one = await deployer();
  one.aws.s3.tellChecksum = "c3BvaWx0-1";
  const error = await failure(one);
  assert.match(error.message, /what has arrived is not what was sent \(its checksum is c3BvaWx0-1\)/);
  assertNothingInS3(one);
  assert.equal(one.aws.count("ImportSnapshot"), 0);
});

Deno.test("credentials that expire in the middle of an upload can be renewed, and it goes on", async () => {
  await using one = await deployer(fiveParts);
  one.aws.fail("UploadPart", { status: 400, code: "ExpiredToken" }, { after: 3 });
  const error = await failure(one);
  assert.match(error.message, /the credentials have expired/);
  assert.match(error.hint ?? "", /for access_key_id, secret_access_key and session_token/);
  one.aws.heal();
  const sent = watchParts(one);
  await one.deploy();
  assert.equal(sent().length, 2);
});

Deno.test("a bucket without room says so, and the upload can go on later", async () => {
  await using one = await deployer(threeParts);
  one.aws.fail("UploadPart", { status: 403, code: "QuotaExceeded", message: "10 of 10 GiB" }, { after: 1 });
  const error = await failure(one);
  assert.match(error.message, /there is no room for it in the bucket images \(10 of 10 GiB\)$/);
  assert.equal((await one.record())?.state, "unfinished");
});

Deno.test("an upload can be given up while it waits, and is known afterwards", async () => {
  await using one = await deployer(fiveParts);
  one.aws.fail("UploadPart", "hang", { after: 1 });
  const controller = new AbortController();
  const ends = one.deploy({ signal: controller.signal });
  while (one.aws.count("UploadPart") < 5) await sleep(20);
  controller.abort();
  await assert.rejects(ends, CancelledError);
  assert.ok(one.aws.s3.uploads.has((await one.record())?.ids.upload ?? ""));
});

Deno.test("an unfinished upload is given up by removing its deployment", async () => {
  await using one = await deployer(threeParts);
  one.aws.fail("UploadPart", { status: 403, code: "AccessDenied" }, { after: 1 });
  await failure(one);
  await one.remove();
  assertNothingInS3(one);
  assert.equal(await one.record(), undefined);
});

Deno.test("an upload tells how far it is", async () => {
  await using one = await deployer(threeParts);
  await one.deploy();
  const told = one.events.flatMap((each) =>
    each.type === "progress" && each.text.startsWith("upload") ? [each] : []
  );
  assert.equal(told.at(-1)?.bytes, told.at(-1)?.totalBytes);
  assert.ok((told.at(-1)?.totalBytes ?? 0) > 20 * 1024 ** 2);
});

Deno.test("who may not list uploads, or meets a service that cannot, can upload all the same", async () => {
  await using one = await deployer();
  for (const [status, code] of [[403, "AccessDenied"], [501, "NotImplemented"]] as const) {
    one.aws.heal();
    one.aws.fail("ListMultipartUploads", { status, code });
    assert.equal((await one.deploy({ force: true })).state, "done");
  }
});
