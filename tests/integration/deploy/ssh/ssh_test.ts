import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { deploy, removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { hashFile } from "../../../../lib/hash.ts";
import { imageInfo } from "../../../../lib/qemu/img.ts";
import { generateKeyPair } from "../../../../lib/ssh/key.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { imagePlace } from "../../../deploy/image_place.ts";
import { pim } from "../../../e2e/pim.ts";
import { sshPlace } from "./ssh_place.ts";

Deno.test("an image goes to a folder of a host as it is, with its UEFI variables and its checksum", async () => {
  await using place = await sshPlace({ efiVars: true });
  const { image, folder } = place;
  const deployment = await place.deploy("lab");
  const file = `${image.entry.name}.qcow2`;
  strictEqual(deployment.where, `127.0.0.1:${join(folder, file)}`);
  strictEqual(deployment.state, "done");
  deepStrictEqual(place.files(), [`${image.entry.name}-efi-vars.fd`, file, `${file}.sha256`]);
  strictEqual(await hashFile(join(folder, file), "sha256"), image.sha256);
  strictEqual(await Deno.readTextFile(join(folder, `${file}.sha256`)), `${image.sha256}  ${file}\n`);
  const last = place.events.findLast((event) => event.type === "progress");
  ok(last !== undefined, "its progress is told");
  const opened = (await place.target("lab")).open(place.tools());
  strictEqual(await opened.presence(deployment.ids, image.sha256), "there");
  await opened[Symbol.asyncDispose]();
});

Deno.test("a folder that begins with ~ is one of the user's home over there", async () => {
  await using place = await sshPlace({ settings: ["path: ~/srv/images"] });
  const target = await place.target("lab");
  await using opened = target.open(place.tools());
  const { where } = await opened.plan(place.image, { force: false, ids: {} });
  match(where, /^127\.0\.0\.1:\/[^~]*\/srv\/images\/demo-amd64-[^/]*$/);
  match(opened.place(place.image.entry).name, /^srv\/images\/demo-amd64-/);
});

Deno.test("what is there is not sent again, and what has changed or gone is", async () => {
  await using place = await sshPlace();
  await place.deploy("lab");
  const before = place.done().length;
  await place.deploy("lab");
  strictEqual(place.done().length, before);
  strictEqual(place.events.at(-1)?.type, "already");
  const path = join(place.folder, `${place.image.entry.name}.qcow2`);
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(path, bytes);
  await Deno.utime(path, 1, 1);
  await place.deploy("lab");
  strictEqual(await hashFile(path, "sha256"), place.image.sha256);
  await Deno.remove(path);
  await place.deploy("lab");
  strictEqual(await hashFile(path, "sha256"), place.image.sha256);
});

Deno.test("removing a deployment removes its files and no others", async () => {
  await using place = await sshPlace({ efiVars: true });
  const deployment = await place.deploy("lab");
  await Deno.writeTextFile(join(place.folder, "other.qcow2"), "mine");
  const target = await place.target("lab");
  await removeDeployment(deployment, target, { paths: place.paths, tools: place.tools() });
  deepStrictEqual(place.files(), ["other.qcow2"]);
  deepStrictEqual(await place.deployments(), []);
});

Deno.test("removing an older image's deployment leaves the newer image that has its name now", async () => {
  await using place = await sshPlace({ settings: ["name: gold"] });
  await using newer = await imagePlace({}, { filledBytes: 2 * 1024 * 1024 });
  const older = await place.deploy("lab");
  const target = await place.target("lab");
  const options = { paths: place.paths, tools: place.tools(), force: true, onEvent: () => {} };
  const entry = { ...newer.image.entry, name: "demo-amd64-newer" };
  const { id } = await deploy(target, { ...newer.image, entry }, options);
  await removeDeployment(older, target, options);
  deepStrictEqual((await place.deployments()).map((each) => each.id), [id]);
  strictEqual(await hashFile(join(place.folder, "gold.qcow2"), "sha256"), newer.image.sha256);
  await removeDeployment((await place.deployments())[0]!, target, options);
  deepStrictEqual(place.files(), []);
});

Deno.test("a file of somebody else with the image's name is left alone, unless forced", async () => {
  await using place = await sshPlace();
  const path = join(place.folder, `${place.image.entry.name}.qcow2`);
  await Deno.mkdir(place.folder, { recursive: true });
  await Deno.writeTextFile(path, "mine");
  await rejects(place.deploy("lab"), deployFailure(/something else is there/, /--force/));
  strictEqual(await Deno.readTextFile(path), "mine");
  deepStrictEqual(await place.deployments(), []);
  await place.deploy("lab", { force: true });
  strictEqual(await hashFile(path, "sha256"), place.image.sha256);
});

Deno.test("the very image under its name is taken for what it is, and not sent", async () => {
  await using place = await sshPlace();
  const path = join(place.folder, `${place.image.entry.name}.qcow2`);
  await Deno.mkdir(place.folder, { recursive: true });
  await Deno.copyFile(place.image.path, path);
  const { ino } = await Deno.stat(path);
  strictEqual((await place.deploy("lab")).state, "done");
  strictEqual((await Deno.stat(path)).ino, ino);
});

for (const format of ["raw", "vmdk", "vhd"]) {
  Deno.test(`an image is written as ${format} by this host and sent`, async () => {
    await using place = await sshPlace({ settings: [`format: ${format}`, "name: gold-{profile}"] });
    await place.deploy("lab");
    deepStrictEqual(place.files(), [`gold-demo.${format}`, `gold-demo.${format}.sha256`]);
    const info = await imageInfo(join(place.folder, `gold-demo.${format}`), { qemuImg: "qemu-img" });
    strictEqual(info.format, format === "vhd" ? "vpc" : format);
    strictEqual(info.virtualBytes, place.image.entry.virtualBytes);
    const before = place.done().length;
    await place.deploy("lab");
    strictEqual(place.done().length, before);
  });
}

Deno.test("the holes of a raw disk are not sent, and stay holes", async () => {
  await using place = await sshPlace({ settings: ["format: raw"] });
  await place.deploy("lab");
  const info = await Deno.stat(join(place.folder, `${place.image.entry.name}.raw`));
  strictEqual(info.size, place.image.entry.virtualBytes);
  ok((info.blocks ?? 0) * 512 < info.size / 8, `${info.blocks} blocks`);
});

Deno.test("an image is written in another format by the host it goes to", async () => {
  await using place = await sshPlace({ settings: ["format: vmdk", "convert: remote"] });
  const { ids } = await place.deploy("lab");
  const file = `${place.image.entry.name}.vmdk`;
  deepStrictEqual(place.files(), [file, `${file}.sha256`]);
  strictEqual((await imageInfo(join(place.folder, file), { qemuImg: "qemu-img" })).format, "vmdk");
  strictEqual(ids.sha256, await hashFile(join(place.folder, file), "sha256"));
});

Deno.test("a host without qemu-img is told when it is to convert", async () => {
  const sshd = { config: ["Subsystem sftp internal-sftp", "SetEnv PATH=/nowhere"] };
  await using place = await sshPlace({ settings: ["format: raw", "convert: remote"], sshd });
  await rejects(place.deploy("lab"), deployFailure(/it has no qemu-img/, /convert: local/));
});

Deno.test("ssh sends the image where it can log in as pim did, and pim does where it cannot", async () => {
  for (const secretKey of [false, true]) {
    await using place = await sshPlace({ secretKey });
    const { code, stderr } = await pim(["deploy", "run", "demo", "lab", "--debug"], { env: place.env });
    strictEqual(code, 0, stderr);
    strictEqual(/^\+ ssh /m.test(stderr), !secretKey);
    const path = join(place.folder, `${place.image.entry.name}.qcow2`);
    strictEqual(await hashFile(path, "sha256"), place.image.sha256);
  }
});

Deno.test("an image is sent all the same when ssh cannot log in", async () => {
  await using place = await sshPlace();
  // What ssh refuses to use.
  await Deno.chmod(join(place.sshd.folder, "key"), 0o644);
  const { code, stderr } = await pim(["deploy", "run", "demo", "lab", "--debug"], { env: place.env });
  strictEqual(code, 0, stderr);
  match(stderr, /ssh could not send it, so pim does/);
  const path = join(place.folder, `${place.image.entry.name}.qcow2`);
  strictEqual(await hashFile(path, "sha256"), place.image.sha256);
});

Deno.test("a host for SFTP alone gets images too: they are read back to be compared", async () => {
  const sshd = { config: ["Subsystem sftp internal-sftp", "ForceCommand internal-sftp"] };
  await using place = await sshPlace({ sshd });
  const { path } = (await place.deploy("lab")).ids;
  strictEqual(await hashFile(path!, "sha256"), place.image.sha256);
});

Deno.test("a host without SFTP is refused in plain words", async () => {
  await using place = await sshPlace({ sshd: { config: [] } });
  await rejects(place.deploy("lab"), deployFailure(/no SFTP/, /Subsystem sftp/));
});

Deno.test("a wrong key, a wrong host key and an unknown host are told apart", async () => {
  await using place = await sshPlace({ settings: [`host_key: SHA256:${"A".repeat(43)}`] });
  await rejects(place.deploy("lab"), deployFailure(/has the host key SHA256:.*not the expected SHA256:AAAA/));
  await using unknown = await sshPlace({ settings: ["host_key:"] });
  await rejects(
    unknown.deploy("lab"),
    deployFailure(/is not known; it has the host key SHA256:/, /pin its key/),
  );
  const stranger = await generateKeyPair("stranger");
  await using other = await sshPlace({
    settings: ['key: "$STRANGER"'],
    env: { STRANGER: stranger.privateKey },
  });
  await rejects(other.deploy("lab"), deployFailure(/was refused \(tried: key\)/, /targets\.d/));
  deepStrictEqual(await other.deployments(), []);
});

Deno.test("a host that does not answer is told with what to try", async () => {
  await using place = await sshPlace({ port: () => 1 });
  await rejects(place.deploy("lab"), deployFailure(/Cannot connect to 127\.0\.0\.1:1/, /ssh -p 1/));
});

Deno.test("a folder that may not be written is told, and nothing is left", async () => {
  await using place = await sshPlace({ settings: ["path: /proc/images"] });
  await rejects(place.deploy("lab"), deployFailure(/the folder \/proc\/images/));
  await using opened = (await place.target("lab")).open(place.tools());
  const found = (await opened.check()).find(({ ok }) => !ok);
  match(found?.detail ?? "", /cannot be written/);
});

Deno.test("a cancelled upload ends at once, and the next run goes on from there", async () => {
  await using place = await sshPlace({ filledBytes: 40 * 1024 * 1024 });
  const stop = new AbortController();
  const cancelled = place.deploy("lab", {
    signal: stop.signal,
    onEvent: (event) => event.type === "progress" && event.bytes > 16 * 1024 * 1024 && stop.abort(),
  });
  await rejects(cancelled, CancelledError);
  const [left] = await place.deployments();
  strictEqual(left?.state, "unfinished");
  const part = `.${place.image.entry.name}.qcow2.part`;
  deepStrictEqual(place.files(), [part]);
  const begun = (await Deno.stat(join(place.folder, part))).size;
  ok(begun > 0);
  const { length } = place.events;
  await place.deploy("lab");
  const first = place.events.slice(length).find((event) => event.type === "progress");
  ok(first?.type === "progress" && first.bytes >= begun, "it went on from what was there");
  deepStrictEqual(place.files(), [
    `${place.image.entry.name}.qcow2`,
    `${place.image.entry.name}.qcow2.sha256`,
  ]);
});
