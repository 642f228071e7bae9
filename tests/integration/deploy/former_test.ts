import assert from "node:assert/strict";
import { join } from "node:path";
import { removeDeployment } from "../../../lib/deploy/deploy.ts";
import { DeployError } from "../../../lib/deploy/deploy_error.ts";
import { updateRegistry } from "../../../lib/image/registry.ts";
import { registryFile } from "../../../lib/paths.ts";
import { which } from "../../../lib/process.ts";
import type { ImagePlace } from "../../deploy/image_place.ts";
import { tempDir } from "../../base/temp.ts";
import { sampleImage } from "../../image/sample.ts";
import { type LibvirtPlace, libvirtPlace } from "./libvirt/libvirt_place.ts";
import { deployTo, homePaths, homeTools, ociTarget } from "./oci/deploy_to.ts";
import { dockerRegistry } from "./oci/docker_registry.ts";
import { sampleDisk } from "./oci/sample_disk.ts";
import { sshPlace } from "./ssh/ssh_place.ts";

async function change(place: ImagePlace, setting: RegExp, to: string): Promise<void> {
  const path = join(place.paths.configDir, "targets.d", "lab.yml");
  await Deno.writeTextFile(path, (await Deno.readTextFile(path)).replace(setting, to));
}

/** Makes a pool `others` and returns its folder. */
async function secondPool({ libvirtd: { pool, virsh } }: LibvirtPlace): Promise<string> {
  const folder = `${pool}2`;
  await Deno.mkdir(folder);
  // libvirtd may run as another user.
  await Deno.chmod(folder, 0o777);
  await virsh("pool-define-as", "others", "dir", "--target", folder);
  await virsh("pool-start", "others");
  return folder;
}

Deno.test("a file on another host goes where the settings lead now, and from where they led before", async () => {
  await using place = await sshPlace({ efiVars: true });
  const { name } = place.image.entry;
  await place.deploy("lab");
  await change(place, /path: .*/, `path: ${place.folder}\n  name: gold`);
  await place.deploy("lab");
  assert.deepEqual(place.files(), ["gold-efi-vars.fd", "gold.qcow2", "gold.qcow2.sha256"]);
  assert.ok(place.done().some((text) => /^remove 127\.0\.0\.1:.*where it was before$/.test(text)));
  assert.ok(!JSON.stringify(await place.deployments()).includes(`${name}.qcow2`));
});

Deno.test("what is on a host that the settings no longer lead to stays there, and that is said", async () => {
  await using first = await sshPlace();
  await using second = await sshPlace();
  const deployment = await first.deploy("lab");
  const before = first.files();
  const lab = await Deno.readTextFile(join(second.paths.configDir, "targets.d", "lab.yml"));
  await change(first, /^.*$/s, lab);
  const refused = async () => {
    const options = { paths: first.paths, tools: first.tools() };
    await assert.rejects(removeDeployment(deployment, await first.target("lab"), options), {
      ...{ name: "UsageError", message: /leads to 127\.0\.0\.1:\d+ now/, hint: /--forget/ },
    });
  };
  await refused();
  await updateRegistry(registryFile(first.paths), (registry) => {
    registry.remove(deployment.image);
    registry.add(sampleImage("other", new Date(1e12)));
  });
  await refused();
  await first.deploy("lab");
  assert.ok(first.done().some((text) => /^leave .* as it is: the target's settings lead to/.test(text)));
  assert.deepEqual(first.files(), before);
  assert.deepEqual(second.files(), before);
});

Deno.test("removing what was cut short on its way to another host takes nothing from the first one", async () => {
  await using first = await sshPlace();
  await using second = await sshPlace();
  await first.deploy("lab");
  const before = first.files();
  const lab = await Deno.readTextFile(join(second.paths.configDir, "targets.d", "lab.yml"));
  await change(first, /^.*$/s, lab);
  const stop = new AbortController();
  await assert.rejects(first.deploy("lab", {
    signal: stop.signal,
    onEvent: ({ type }) => type === "action-finished" && stop.abort(),
  }));
  const [left] = await first.deployments();
  assert.equal(left?.former?.length, 1);
  await removeDeployment(left!, await first.target("lab"), { paths: first.paths, tools: first.tools() });
  assert.deepEqual([first.files(), second.files()], [before, []]);
});

Deno.test("a domain of another name takes the place of the one before, volume and all", async () => {
  await using place = await libvirtPlace(["name: silver"]);
  const { virsh } = place.libvirtd;
  await place.deploy("lab");
  await change(place, /name: silver/, "name: gold");
  await place.deploy("lab");
  assert.deepEqual(place.files(), ["gold.qcow2"]);
  assert.equal(await virsh("list", "--all", "--name"), "gold");
});

Deno.test("in another pool a domain is made anew, and the volume of the old one is removed", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const { virsh } = place.libvirtd;
  await place.deploy("lab");
  const others = await secondPool(place);
  await change(place, /pool: images/, "pool: others");
  await place.deploy("lab");
  assert.deepEqual(place.files(), []);
  assert.deepEqual([...Deno.readDirSync(others)].map(({ name }) => name), ["gold.qcow2"]);
  assert.match(await virsh("dumpxml", "gold"), /pool2\/gold\.qcow2/);
});

Deno.test("a volume that a domain has written to since stays", async () => {
  await using place = await libvirtPlace(["name: gold"]);
  const { pool } = place.libvirtd;
  await place.deploy("lab");
  await Deno.writeTextFile(join(pool, "gold.qcow2"), "of a machine that ran", { append: true });
  await secondPool(place);
  await change(place, /pool: images/, "pool: others");
  await place.deploy("lab");
  assert.deepEqual(place.files(), ["gold.qcow2"]);
});

Deno.test({
  name: "an image that goes to another repository or tag is taken away from the one before",
  ignore: await which("docker-registry") === undefined,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path);
    const reference = (repository: string) => `${registry.host}/${repository}/{profile}:x`;
    const there = async (
      repository: string,
      tag: string,
    ) => (await fetch(`http://${registry.host}/v2/${repository}/web/manifests/${tag}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    }).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }));
    await deployTo(home.path, { reference: reference("one") }, image);
    const { deployment } = await deployTo(home.path, { reference: reference("two") }, image);
    assert.deepEqual([await there("one", "x"), await there("two", "x")], [false, true]);
    const target = ociTarget(home.path, { reference: reference("two") });
    await removeDeployment(deployment, target, { paths: homePaths(home.path), tools: homeTools(home.path) });
    assert.equal(await there("two", "x"), false);
  },
});

Deno.test("a target that pim does not clear by itself refuses to lead elsewhere as long as something is there", async () => {
  const { since } = await import("../../../lib/deploy/former.ts");
  const known = {
    ...{ id: "cloud/web", target: "cloud", type: "openstack", image: "web", sha256: "0".repeat(64) },
    ...{
      where: "image web in project a",
      ids: { image: "1" },
      state: "done" as const,
      time: "2026-01-01T00:00:00Z",
    },
    place: { at: "https://cloud", name: "web" },
  };
  const now = { at: "https://cloud", name: "gold", movable: false };
  assert.throws(() => since(known, now), (error: unknown) => {
    assert.ok(error instanceof DeployError);
    assert.match(error.message, /this target has it as image web in project a/);
    assert.match(error.hint ?? "", /pim deploy remove cloud\/web/);
    return true;
  });
});
