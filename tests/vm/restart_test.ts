import assert from "node:assert/strict";
import { CancelledError, PimError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { readDefinition, writeDefinition } from "../../lib/vm/definition.ts";
import { restartVm } from "../../lib/vm/restart.ts";
import { stopVm } from "../../lib/vm/stop.ts";
import { inspectVm, listVms } from "../../lib/vm/vms.ts";
import { gone, type SmallVms, smallVms } from "./small_vms.ts";

const restart = (vms: SmallVms, name: string, signal = new AbortController().signal) =>
  restartVm(vms.places, name, { force: true, cwd: vms.dir, signal });

Deno.test("a kept VM goes on from its own disk, as its vm.json says by then", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const disk = (await Deno.stat(vm.folder.disk)).ino;
  const definition = await readDefinition(vm.folder.definition);
  assert(definition);
  await writeDefinition(vm.folder.definition, { ...definition, memoryMiB: 80 });
  const { started, way } = await restart(vms, "demo");
  assert.equal(way, "quit");
  assert.notEqual(started.vm.pid, vm.pid);
  assert.equal((await Deno.stat(vm.folder.disk)).ino, disk);
  assert.equal(started.record.definition.memoryMiB, 80);
  assert.deepEqual(await vms.qemus(), new Map([["demo", started.vm.pid]]));
});

Deno.test("a kept VM that is stopped, or has crashed, is simply started", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await stopVm(vms.places, "demo", { force: true });
  const again = await restart(vms, "demo");
  assert.deepEqual([again.way, again.crash], [undefined, undefined]);
  await Deno.writeTextFile(vm.files.log, "qemu: out of luck\n", { append: true });
  Deno.kill(again.started.vm.pid, "SIGKILL");
  await gone(again.started.vm.pid);
  const third = await restart(vms, "demo");
  assert.deepEqual(third.crash, { kind: "crashed", said: "qemu: out of luck", log: vm.folder.crashLog });
  assert.equal(await Deno.readTextFile(vm.folder.crashLog), "qemu: out of luck\n");
  assert.deepEqual(await vms.qemus(), new Map([["demo", third.started.vm.pid]]));
  assert(await exists(vm.folder.disk));
});

Deno.test("a VM that keeps nothing begins anew from its image, and still keeps nothing", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo", { disk: "snapshot" });
  await Deno.writeTextFile(vm.folder.knownHosts, "pim-demo ssh-ed25519 AAAA\n");
  const { started } = await restart(vms, "demo");
  assert.notEqual(started.vm.pid, vm.pid);
  assert.equal(await exists(vm.folder.knownHosts), false, "the host keys were those of the disk before");
  assert.deepEqual([await exists(vm.folder.definition), await exists(vm.folder.disk)], [true, false]);
  await stopVm(vms.places, "demo", { force: true });
  assert.deepEqual(await listVms(vms.places), []);
});

Deno.test("what is missing for the start is told before the VM is stopped", async () => {
  await using vms = await smallVms();
  const kept = await vms.run("kept");
  const scratch = await vms.run("scratch", { disk: "snapshot" });
  await Deno.rename(vms.image, `${vms.image}.away`);
  for (const { vm } of [kept, scratch]) {
    await assert.rejects(restart(vms, vm.name), (error) => {
      assert(error instanceof PimError);
      assert(error.message.endsWith(vms.image), error.message);
      return true;
    });
    assert.equal((await inspectVm(vms.places, vm.name)).pid, vm.pid);
  }
});

Deno.test("a restart that is given up while the guest is asked leaves the VM as it is", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo", { disk: "snapshot" });
  const controller = new AbortController();
  const restarting = restartVm(vms.places, "demo", {
    cwd: vms.dir,
    signal: controller.signal,
    onProgress: (text) => text === "pressing the power button" && controller.abort(new CancelledError()),
  });
  await assert.rejects(restarting, CancelledError);
  assert.equal((await inspectVm(vms.places, "demo")).pid, vm.pid);
  assert(await exists(vm.folder.dir));
});

Deno.test("after a start that failed, a VM that keeps nothing is gone", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo", { disk: "snapshot" });
  const definition = await readDefinition(vm.folder.definition);
  assert(definition);
  await writeDefinition(vm.folder.definition, { ...definition, qemuArgs: ["-no-such-argument"] });
  await assert.rejects(restart(vms, "demo"), /no-such-argument/);
  assert.deepEqual([await exists(vm.folder.dir), (await vms.qemus()).size], [false, 0]);
});
