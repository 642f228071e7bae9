import assert from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { updateRegistry } from "../../lib/image/registry.ts";
import { vmFolders } from "../../lib/paths.ts";
import { createOverlay } from "../../lib/qemu/img.ts";
import { vmsUsing } from "../../lib/vm/image_use.ts";
import { removeVm } from "../../lib/vm/remove.ts";
import { stopVm } from "../../lib/vm/stop.ts";
import { listVms } from "../../lib/vm/vms.ts";
import { sampleImage } from "../image/sample.ts";
import { smallVms } from "./small_vms.ts";

Deno.test("a running VM is removed only by force, and then nothing of it is left", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await vms.run("demo2");
  await assert.rejects(removeVm(vms.places, "demo"), (error) => {
    assert(error instanceof UsageError);
    assert.equal(error.message, "The VM demo is running");
    assert.match(error.hint ?? "", /pim stop demo.*pim rm --force demo/);
    return true;
  });
  assert(await exists(vm.folder.disk));
  await removeVm(vms.places, "demo", { force: true });
  for (const file of [vm.folder.dir, ...Object.values(vm.files)]) {
    assert.equal(await exists(file), false, file);
  }
  assert.deepEqual((await listVms(vms.places)).map(({ name }) => name), ["demo2"]);
  assert.equal((await vms.qemus()).size, 1);
});

Deno.test("a VM with damaged files and leftovers is removed whole", async () => {
  await using vms = await smallVms();
  const { dir, part, replaced } = vmFolders(vms.places.vmsDir, "demo");
  for (const folder of [dir, part, replaced]) {
    await Deno.mkdir(folder, { recursive: true });
    await Deno.writeTextFile(join(folder, "vm.json"), "{");
    await Deno.writeTextFile(join(folder, "disk.qcow2"), "x");
  }
  await Deno.writeTextFile(join(vms.places.runtimeDir, "demo.pid"), "garbage");
  await Deno.writeTextFile(join(vms.places.runtimeDir, "demo.json"), "");
  await removeVm(vms.places, "demo");
  assert.deepEqual(await Array.fromAsync(Deno.readDir(vms.places.vmsDir)), []);
  assert.deepEqual((await Array.fromAsync(Deno.readDir(vms.places.runtimeDir))).map(({ name }) => name), [
    "locks",
  ]);
});

Deno.test("the VMs that use an image are found through every layer, running, kept or being made", async () => {
  await using vms = await smallVms();
  const layer = join(vms.dir, "layer.qcow2");
  await createOverlay(layer, vms.image, { qemuImg: "qemu-img" });
  await vms.run("direct");
  await vms.run("layered", { what: layer });
  await vms.run("scratch", { disk: "snapshot" });
  await vms.run("copy", { disk: "clone" });
  const { vm: stopped } = await vms.run("stopped");
  await stopVm(vms.places, "stopped", { force: true });
  await Deno.writeTextFile(stopped.folder.definition, "no JSON");
  // As `pim run` has it while it makes the disk.
  const { part } = vmFolders(vms.places.vmsDir, "young");
  await Deno.mkdir(part);
  const json = await Deno.readTextFile(join(vms.places.vmsDir, "direct", "vm.json"));
  await Deno.writeTextFile(join(part, "vm.json"), json);
  assert.deepEqual(await vmsUsing(vms.places, vms.image), [
    "direct",
    "layered",
    "scratch",
    "stopped",
    "young",
  ]);
  assert.deepEqual(await vmsUsing(vms.places, layer), ["layered"]);
  assert.deepEqual(await vmsUsing(vms.places, join(vms.dir, "none.qcow2")), []);
});

Deno.test("pim build clean keeps images and build disks that VMs use, and says which VMs", async () => {
  await using vms = await smallVms();
  const { imageDir, registryPath } = vms.places.images;
  await Deno.mkdir(imageDir, { recursive: true });
  const images = [1e12, 2e12, 3e12].map((time) => sampleImage("dev", new Date(time)));
  const files = images.map(({ file }) => join(imageDir, file));
  const [first = "", second = "", newest = ""] = files;
  for (const file of files) await Deno.copyFile(vms.image, file);
  await updateRegistry(registryPath, (registry) => images.forEach((image) => registry.add(image)));
  const failed = join(vms.env.PIM_CACHE_DIR ?? "", "builds", "web-amd64-20260101T000000Z");
  await Deno.mkdir(failed, { recursive: true });
  await Deno.copyFile(vms.image, join(failed, "disk.qcow2"));
  await vms.run("demo", { what: images[0]?.name });
  await vms.run("look", { what: join(failed, "disk.qcow2") });
  await stopVm(vms.places, "demo", { force: true });

  const dry = JSON.parse((await vms.pim("build", "clean", "--keep", "1", "--dry-run", "--json")).stdout);
  assert.deepEqual(dry, {
    removed: [second],
    kept: [{ path: failed, vms: ["look"] }, { path: first, vms: ["demo"] }],
    dryRun: true,
  });
  const clean = await vms.pim("build", "clean", "--keep", "1");
  assert.deepEqual([clean.code, clean.stdout], [0, `removed ${second}\n`]);
  assert.equal(
    clean.stderr,
    `note: kept ${failed}, which VMs use: look\nnote: kept ${first}, which VMs use: demo\n`,
  );
  assert.deepEqual(await Promise.all([...files, failed].map(exists)), [true, false, true, true]);
  await removeVm(vms.places, "demo");
  await removeVm(vms.places, "look", { force: true });
  const last = await vms.pim("build", "clean", "--keep", "1");
  assert.deepEqual([last.stdout, last.stderr], [`removed ${failed}\nremoved ${first}\n`, ""]);
  assert(await exists(newest));
});
