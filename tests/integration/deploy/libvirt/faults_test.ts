import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { putDeployment } from "../../../../lib/image/deployments.ts";
import { hashFile } from "../../../../lib/hash.ts";
import { registryFile } from "../../../../lib/paths.ts";
import { run } from "../../../../lib/process.ts";
import { pim, startPim } from "../../../e2e/pim.ts";
import { imagePlace } from "../../../deploy/image_place.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { type LibvirtPlace, libvirtPlace } from "./libvirt_place.ts";

/** Cancels a deployment in the middle of its upload. */
async function cutShort(place: LibvirtPlace): Promise<void> {
  const stop = new AbortController();
  await rejects(
    place.deploy("lab", {
      signal: stop.signal,
      onEvent: (event) => event.type === "progress" && stop.abort(),
    }),
    CancelledError,
  );
}

Deno.test("a volume of somebody else with the image's name is left alone, unless forced", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const { virsh, pool } = place.libvirtd;
  await virsh("vol-create-as", "images", "gold.qcow2", "1M", "--format", "qcow2");
  const before = await hashFile(join(pool, "gold.qcow2"), "sha256");
  await rejects(
    place.deploy("lab"),
    deployFailure(/the volume images\/gold\.qcow2 is there already/, /--force/),
  );
  strictEqual(await hashFile(join(pool, "gold.qcow2"), "sha256"), before);
  deepStrictEqual(await place.deployments(), []);
  await place.deploy("lab", { force: true });
  strictEqual(await hashFile(join(pool, "gold.qcow2"), "sha256"), place.image.sha256);
});

Deno.test("a domain of somebody else is left alone; a running one even when forced", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const { virsh } = place.libvirtd;
  const xml = `<domain type="qemu"><name>gold</name><memory unit="MiB">64</memory>
    <os><type arch="x86_64" machine="q35">hvm</type></os></domain>`;
  const file = join(place.dir, "other.xml");
  await Deno.writeTextFile(file, xml);
  await virsh("define", file);
  await rejects(place.deploy("lab"), deployFailure(/the domain gold is there already/, /--force/));
  await virsh("start", "gold");
  await rejects(
    place.deploy("lab", { force: true }),
    deployFailure(
      /The domain gold runs/,
      /: virsh -c 'qemu\+unix:\/\/\/session\?socket=[^']*' shutdown gold$/,
    ),
  );
  deepStrictEqual(place.files(), []);
  await virsh("destroy", "gold");
  const deployment = await place.deploy("lab", { force: true });
  match(await virsh("metadata", "gold", "--uri", "urn:pim:image"), new RegExp(place.image.sha256));
  // What has its name by now is another one.
  await virsh("undefine", "gold");
  await virsh("define", file);
  const target = await place.target("lab");
  await rejects(
    removeDeployment(deployment, target, { paths: place.paths, tools: place.tools() }),
    deployFailure(/it is not the one that was deployed/),
  );
  deepStrictEqual(place.files(), ["gold.qcow2"]);
});

Deno.test("an upload that was cut short looks like no image, and the next run ends it", async () => {
  await using place = await libvirtPlace(["name: gold", "define: none"], { filledBytes: 24 * 1024 * 1024 });
  await cutShort(place);
  const file = join(place.libvirtd.pool, "gold.qcow2");
  const { stdout } = await run(["qemu-img", "info", "--output=json", file]);
  strictEqual(JSON.parse(stdout).format, "raw");
  strictEqual((await place.deployments())[0]?.state, "unfinished");
  await place.deploy("lab");
  strictEqual(await hashFile(file, "sha256"), place.image.sha256);
});

Deno.test("after kill -9 the same command ends what was begun", async () => {
  await using place = await libvirtPlace(["name: gold"], { filledBytes: 60 * 1024 * 1024 });
  const args = ["deploy", "run", "demo", "lab", "--json"];
  const killed = startPim(args, {
    env: place.env,
    onLine: (line) => line.includes('"type":"progress"') && killed.kill("SIGKILL"),
  });
  strictEqual((await killed.result).code, 137);
  strictEqual((await place.deployments())[0]?.state, "unfinished");
  strictEqual(await place.libvirtd.virsh("list", "--all", "--name"), "");
  const second = await pim(args, { env: place.env });
  strictEqual(second.code, 0, second.stderr);
  deepStrictEqual(place.files(), ["gold.qcow2"]);
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), place.image.sha256);
  strictEqual(await place.libvirtd.virsh("list", "--all", "--name"), "gold");
});

Deno.test("an upload whose record is lost is known by its mark", async () => {
  await using place = await libvirtPlace(["name: gold", "define: none"], { filledBytes: 24 * 1024 * 1024 });
  await cutShort(place);
  const { code } = await pim(["deploy", "remove", `lab/${place.image.entry.name}`, "--forget"], {
    env: place.env,
  });
  strictEqual(code, 0);
  await place.deploy("lab");
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), place.image.sha256);
});

Deno.test("an unfinished deployment is removed with all that it left", async () => {
  await using place = await libvirtPlace(["name: gold"], { filledBytes: 24 * 1024 * 1024 });
  await cutShort(place);
  const id = `lab/${place.image.entry.name}`;
  const { code, stderr } = await pim(["deploy", "remove", id], { env: place.env });
  strictEqual(code, 0, stderr);
  deepStrictEqual(place.files(), []);
});

Deno.test("an image whose file has changed here leaves no volume there", async () => {
  await using place = await libvirtPlace([]);
  const bytes = await Deno.readFile(place.image.path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(place.image.path, bytes);
  await rejects(place.deploy("lab"), deployFailure(/is not what was built/, /pim build run demo --force/));
  deepStrictEqual(place.files(), []);
});

Deno.test("a pool that is not there or not active, and a libvirt that does not run, are told with what to do", async () => {
  await using place = await libvirtPlace(["pool: nothing"]);
  await rejects(place.deploy("lab"), deployFailure(/no storage pool/i, /pool-list --all/));
  await using stopped = await libvirtPlace([]);
  await stopped.libvirtd.virsh("pool-destroy", "images");
  await rejects(stopped.deploy("lab"), deployFailure(/The pool images is not active/, /pool-start images/));
  await using gone = await libvirtPlace(["uri: qemu+unix:///session?socket=/nowhere/sock"]);
  await rejects(gone.deploy("lab"), deployFailure(/failed to connect to the hypervisor/i, /version/));
});

Deno.test("a network of libvirt's that is not there is told before anything is sent", async () => {
  await using place = await libvirtPlace(["name: gold", "network: nonet"]);
  await rejects(place.deploy("lab"), deployFailure(/no network nonet at/, /`network`.*net-list --all/));
  deepStrictEqual(place.files(), []);
});

Deno.test("a bridge that is not there fails the domain, and the next run needs no new upload", async () => {
  await using place = await libvirtPlace(["name: gold", "network: bridge:nobr0", "start: true"]);
  await rejects(place.deploy("lab"), deployFailure(/gold/));
  strictEqual((await place.deployments())[0]?.state, "unfinished");
  const { where, actions } = await (await place.target("lab")).open(place.tools()).plan(place.image, {
    force: false,
    ids: (await place.deployments())[0]!.ids,
  });
  match(where, /domain gold of/);
  match(actions[0]!.text, /take the volume images\/gold\.qcow2, which is the image/);
});

Deno.test("a deployment that was killed after its last action is only written down, with its domain running", async () => {
  await using place = await libvirtPlace(["name: gold", "start: true"]);
  const deployment = await place.deploy("lab");
  await putDeployment(registryFile(place.paths), { ...deployment, state: "unfinished" });
  const before = place.done().length;
  strictEqual((await place.deploy("lab")).state, "done");
  strictEqual(place.done().length, before);
  strictEqual(await place.libvirtd.virsh("domstate", "gold"), "running");
});

Deno.test("a volume alone leaves a domain with its name as it is", async () => {
  await using place = await libvirtPlace(["name: gold", "define: none"]);
  const { virsh } = place.libvirtd;
  const file = join(place.dir, "other.xml");
  await Deno.writeTextFile(
    file,
    `<domain type="qemu"><name>gold</name><memory unit="MiB">64</memory>
    <os><type arch="x86_64" machine="q35">hvm</type></os></domain>`,
  );
  await virsh("define", file);
  await place.deploy("lab");
  await place.deploy("lab", { force: true });
  strictEqual(await virsh("list", "--all", "--name"), "gold");
  deepStrictEqual(place.files(), ["gold.qcow2"]);
});

const mayMount = Deno.uid() === 0 && (await run(["unshare", "-m", "true"]).then(() => true, () => false));

Deno.test({
  name: "a pool without room refuses before anything is uploaded, and says how much is missing (needs root)",
  ignore: !mayMount,
  async fn() {
    await using place = await libvirtPlace([]);
    const { pool, virsh } = place.libvirtd;
    await run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", pool]);
    try {
      await virsh("pool-refresh", "images");
      const refused = /There is no room in the pool images: 1\.31 MiB are needed, and 512 KiB are free/;
      await rejects(place.deploy("lab"), deployFailure(refused, /another `pool`/));
      deepStrictEqual(place.files(), []);
    } finally {
      await run(["umount", pool]);
    }
  },
});

Deno.test("without virsh the host is told to lack it", async () => {
  await using place = await imagePlace({ "lab.yml": "lab:\n  type: libvirt\n" });
  const { code, stderr } = await pim(["deploy", "run", "demo", "lab"], {
    env: { ...place.env, PATH: "/nowhere" },
  });
  strictEqual(code, 3, stderr);
  match(stderr, /virsh is not installed or not on PATH/);
});

Deno.test("the commands tell what would be done, check the target, and show what was made", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const env = place.env;
  const checked = await pim(["target", "check", "lab"], { env });
  strictEqual(checked.code, 0, checked.stderr + checked.stdout);
  match(checked.stdout, /lab +connection +ok +QEMU/);
  match(checked.stdout, /lab +pool +ok +images is active, .* are free/);
  match(checked.stdout, /lab +domains +ok +guests run with (qemu|kvm)/);
  const dry = await pim(["deploy", "run", "demo", "lab", "--dry-run"], { env });
  match(dry.stdout, /upload the image to the volume images\/gold\.qcow2\n/);
  match(dry.stdout, /define the domain gold \((qemu|kvm), 2 CPUs, 64 MiB, network user\)/);
  deepStrictEqual(place.files(), []);
  const done = await pim(["deploy", "run", "demo", "lab"], { env });
  strictEqual(done.code, 0, done.stderr);
  match(done.stdout, /^domain gold of qemu\+unix:/);
  const output = await pim(["deploy", "output"], { env });
  match(output.stdout, /"uuid": "[0-9a-f-]{36}"/);
  const again = await pim(["deploy", "run", "demo", "lab"], { env });
  match(again.stderr, /it is there already/);
});
