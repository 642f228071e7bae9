import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { deploy, removeDeployment } from "../../lib/deploy/deploy.ts";
import { exists } from "../../lib/files.ts";
import { hashFile } from "../../lib/hash.ts";
import { run } from "../../lib/process.ts";
import { imagePlace } from "./image_place.ts";

const targets = {
  "files.yml": [
    "share: { type: file, path: ../out }",
    "esx: { type: file, path: ../out, format: vmdk }",
    'hyperv: { type: file, path: ../out, format: vhdx, name: "{profile}-{architecture}" }',
    "azure: { type: file, path: ../out, format: vhd }",
    "plain: { type: file, path: ../out, format: raw }",
    "loose: { type: file, path: ../out, compress: false, name: loose }",
  ].join("\n"),
};

async function readChecksum(path: string): Promise<string> {
  return await Deno.readTextFile(`${path}.sha256`);
}

Deno.test("an image goes to a folder in every format, each with the same disk in it and its checksum beside it", async () => {
  await using place = await imagePlace(targets, { efiVars: true });
  for (const target of ["share", "esx", "hyperv", "azure", "plain", "loose"]) {
    const { where, ids } = await place.deploy(target);
    assert.equal(await readChecksum(where), `${await hashFile(where, "sha256")}  ${basename(where)}\n`);
    assert.equal(ids.path, where);
    // VHD is "vpc" to qemu-img, which cannot tell it by looking.
    const format = target === "azure" ? ["-F", "vpc"] : [];
    await run(["qemu-img", "compare", "-f", "qcow2", ...format, place.image.path, where]);
  }
  const [share, , hyperv] = await place.deployments();
  assert.equal(basename(hyperv?.where ?? ""), "demo-amd64.vhdx");
  assert.deepEqual(
    await Deno.readFile(share?.ids.efiVars ?? ""),
    await Deno.readFile(place.image.efiVars ?? ""),
  );
});

Deno.test("what is there already is not written again; what was changed or removed is", async () => {
  await using place = await imagePlace(targets);
  const { where } = await place.deploy("share");
  const count = () => place.done().length;
  const first = count();
  await place.deploy("share");
  assert.equal(count(), first);
  await Deno.remove(where);
  await place.deploy("share");
  assert.equal(count(), 2 * first);
  const content = await Deno.readFile(where);
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
  await Deno.writeFile(where, content);
  await place.deploy("share");
  assert.equal(await hashFile(where, "sha256"), place.image.sha256);
  assert.equal(count(), 3 * first);
});

Deno.test("a file of somebody else's is left alone, unless it shall be replaced", async () => {
  await using place = await imagePlace(targets);
  const folder = join(place.dir, "config", "out");
  const path = join(folder, "loose.qcow2");
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(path, "mine");
  await assert.rejects(place.deploy("loose"), { name: "DeployError", message: /something else is there/ });
  assert.equal(await Deno.readTextFile(path), "mine");
  assert.deepEqual(await place.deployments(), []);
  await place.deploy("loose", { force: true });
  assert.notEqual(await Deno.readTextFile(path), "mine");
});

Deno.test("a folder that cannot even be looked at is told, by a check and by a deployment", async () => {
  const folder = "x".repeat(300);
  await using place = await imagePlace({ "long.yml": `long: { type: file, path: ../${folder} }\n` });
  await using opened = (await place.target("long")).open(place.tools());
  const [check] = await opened.check();
  assert.deepEqual([check?.ok, check?.hint], [false, "Choose another path in targets.d."]);
  assert.match(check?.detail ?? "", /name too long/);
  await assert.rejects(place.deploy("long"), {
    name: "PimError",
    message: /^Cannot look at .* name too long/,
  });
});

Deno.test("an image that is not what was built goes nowhere", async () => {
  await using place = await imagePlace(targets);
  const content = await Deno.readFile(place.image.path);
  content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
  await Deno.writeFile(place.image.path, content);
  for (const target of ["share", "esx"]) {
    await assert.rejects(place.deploy(target), { name: "DeployError", message: /is not what was built/ });
  }
  assert.deepEqual([...Deno.readDirSync(join(place.dir, "config", "out"))], []);
});

Deno.test("a deployment that is cancelled leaves nothing, and one after it is whole", async () => {
  await using place = await imagePlace(targets, { filledBytes: 20 * 1024 * 1024 });
  const stop = new AbortController();
  const cancelled = place.deploy("share", {
    signal: stop.signal,
    onEvent: (event) => event.type === "action-started" && stop.abort(),
  });
  await assert.rejects(cancelled, { name: "CancelledError" });
  assert.deepEqual([...Deno.readDirSync(join(place.dir, "config", "out"))], []);
  const { where } = await place.deploy("share");
  assert.equal(await hashFile(where, "sha256"), place.image.sha256);
});

Deno.test("what was deployed is removed with all that lies beside it", async () => {
  await using place = await imagePlace(targets, { efiVars: true });
  const { ids } = await place.deploy("share");
  const target = (await place.target("share")).open(place.tools());
  await target.remove(ids);
  await target.remove(ids);
  assert.equal(await target.presence(ids, place.image.sha256), "missing");
  assert.equal(await exists(ids.efiVars ?? ""), false);
  assert.deepEqual([...Deno.readDirSync(join(place.dir, "config", "out"))], []);
});

Deno.test("removing an older image's deployment leaves the newer image that has its name now", async () => {
  await using place = await imagePlace(targets, { efiVars: true });
  await using newer = await imagePlace({}, { efiVars: true });
  const older = await place.deploy("loose");
  const image = { ...newer.image, entry: { ...newer.image.entry, name: "demo-amd64-newer" } };
  const target = await place.target("loose");
  const { paths } = place;
  const options = { paths, tools: place.tools(), force: true, onEvent: () => {} };
  const { where } = await deploy(target, image, options);
  assert.equal(where, older.where);
  await removeDeployment(older, target, options);
  assert.deepEqual((await place.deployments()).map(({ image }) => image), ["demo-amd64-newer"]);
  assert.equal(await readChecksum(where), `${await hashFile(where, "sha256")}  loose.qcow2\n`);
  assert.equal(await exists(where.replace(".qcow2", "-efi-vars.fd")), true);
  // What was used since, but has its own name, goes.
  await Deno.writeTextFile(where, "of a machine that ran", { append: true });
  await removeDeployment((await place.deployments())[0]!, target, options);
  assert.deepEqual([...Deno.readDirSync(join(place.dir, "config", "out"))], []);
});

Deno.test("whatever has got the image's name is written down, whenever the deployment is cancelled", async () => {
  await using place = await imagePlace(targets, { filledBytes: 40 * 1024 * 1024 });
  const path = join(place.dir, "config", "out", `${place.image.entry.name}.vmdk`);
  const stop = new AbortController();
  const deploying = place.deploy("esx", { signal: stop.signal }).catch(() => {});
  while (!(await exists(path))) await new Promise((resolve) => setTimeout(resolve, 1));
  stop.abort();
  await deploying;
  assert.equal((await place.deployments())[0]?.ids.path, path);
  await place.deploy("esx");
});
