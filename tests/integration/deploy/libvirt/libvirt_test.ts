import { deepStrictEqual, match, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { deploy, removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { hashFile } from "../../../../lib/hash.ts";
import { countingBootSector } from "../../../qemu/boot_sector.ts";
import { startSshd } from "../../../ssh/sshd.ts";
import { imagePlace } from "../../../deploy/image_place.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { libvirtPlace, uriOverSsh } from "./libvirt_place.ts";

Deno.test("an image becomes a volume and a domain that boots it, and both are removed again", async () => {
  await using place = await libvirtPlace(["start: true", "cpus: 1"], { begin: countingBootSector() });
  const { libvirtd: { virsh, pool }, image } = place;
  const { name } = image.entry;
  const deployment = await place.deploy("lab");
  strictEqual(deployment.state, "done");
  deepStrictEqual(place.files(), [`${name}.qcow2`]);
  match(await virsh("vol-dumpxml", `${name}.qcow2`, "--pool", "images"), /<format type='qcow2'\/>/);
  strictEqual(await virsh("domstate", name), "running");
  const xml = await virsh("dumpxml", name);
  match(xml, new RegExp(`sha256="${image.sha256}"|sha256='${image.sha256}'`));
  match(xml, /org\.qemu\.guest_agent\.0/);
  match(xml, /slot='0x02'/);
  const opened = (await place.target("lab")).open(place.tools());
  strictEqual(await opened.presence(deployment.ids, image.sha256), "there");
  const before = place.done().length;
  await place.deploy("lab");
  strictEqual(place.done().length, before, "what is there is left alone");
  const target = await place.target("lab");
  const options = { paths: place.paths, tools: place.tools() };
  await rejects(removeDeployment(deployment, target, options), deployFailure(/runs/, /shutdown/));
  await virsh("destroy", name);
  await removeDeployment(deployment, target, options);
  deepStrictEqual([...Deno.readDirSync(pool)], []);
  strictEqual(await virsh("list", "--all", "--name"), "");
  deepStrictEqual(await place.deployments(), []);
});

Deno.test("with `define: none` only a volume is made, byte by byte the image", async () => {
  await using place = await libvirtPlace(["define: none", "name: gold"]);
  const { ids } = await place.deploy("lab");
  deepStrictEqual(place.files(), ["gold.qcow2"]);
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), place.image.sha256);
  strictEqual(await place.libvirtd.virsh("list", "--all", "--name"), "");
  const opened = (await place.target("lab")).open(place.tools());
  strictEqual(await opened.presence(ids, place.image.sha256), "there");
  await Deno.writeTextFile(join(place.libvirtd.pool, "gold.qcow2"), "spoilt");
  strictEqual(await opened.presence(ids, place.image.sha256), "changed");
  await place.deploy("lab");
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), place.image.sha256);
  await Deno.remove(join(place.libvirtd.pool, "gold.qcow2"));
  strictEqual(await opened.presence(ids, place.image.sha256), "missing");
});

Deno.test("a volume alone that is another image's by now is not removed with the older deployment", async () => {
  await using place = await libvirtPlace(["define: none", "name: gold"]);
  await using newer = await imagePlace({}, { filledBytes: 2 * 1024 * 1024 });
  const older = await place.deploy("lab");
  const target = await place.target("lab");
  const options = { paths: place.paths, tools: place.tools(), force: true, onEvent: () => {} };
  const entry = { ...newer.image.entry, name: "demo-amd64-newer" };
  const later = await deploy(target, { ...newer.image, entry }, options);
  await rejects(
    removeDeployment(older, target, options),
    deployFailure(/images\/gold\.qcow2: it is not what was deployed/, /--forget/),
  );
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), newer.image.sha256);
  await removeDeployment(later, target, options);
  deepStrictEqual(place.files(), []);
});

Deno.test("a UEFI image boots with its own variables, which are removed with the domain", async () => {
  const template = "/usr/share/OVMF/OVMF_VARS_4M.fd";
  await using place = await libvirtPlace(["name: gold", "start: true"], { efiVars: template });
  const { virsh } = place.libvirtd;
  const deployment = await place.deploy("lab");
  deepStrictEqual(place.files(), ["gold-efi-vars.fd", "gold.qcow2"]);
  match(await virsh("dumpxml", "gold", "--inactive"), /<nvram[^>]*>.*gold-efi-vars\.fd<\/nvram>/);
  strictEqual(await virsh("domstate", "gold"), "running");
  match(await virsh("dumpxml", "gold"), /OVMF_CODE_4M\.fd/);
  await virsh("destroy", "gold");
  await place.deploy("lab", { force: true });
  deepStrictEqual(place.files(), ["gold-efi-vars.fd", "gold.qcow2"]);
  await virsh("destroy", "gold");
  const target = await place.target("lab");
  await removeDeployment(deployment, target, { paths: place.paths, tools: place.tools() });
  deepStrictEqual(place.files(), []);
  strictEqual(await virsh("list", "--all", "--name"), "");
});

Deno.test("a libvirt of another host is reached over SSH", async () => {
  await using opened = new AsyncDisposableStack();
  await using place = await libvirtPlace(["name: gold", "define: none"], {}, async (libvirtd) => {
    return await uriOverSsh(libvirtd, opened.use(await startSshd()));
  });
  await place.deploy("lab");
  strictEqual(await hashFile(join(place.libvirtd.pool, "gold.qcow2"), "sha256"), place.image.sha256);
});
