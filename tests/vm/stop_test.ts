import assert from "node:assert/strict";
import { CancelledError } from "../../lib/errors.ts";
import { exists, removeIfThere } from "../../lib/files.ts";
import { findProcess } from "../../lib/process_table.ts";
import { connectQmp } from "../../lib/qemu/qmp.ts";
import { lockVm } from "../../lib/vm/locks.ts";
import { type StopOptions, stopVm } from "../../lib/vm/stop.ts";
import { inspectVm } from "../../lib/vm/vms.ts";
import { agentServer } from "../qemu/agent_server.ts";
import { qmp, smallVms } from "./small_vms.ts";

/** Options that keep what is told. */
function telling(options: StopOptions): StopOptions & { readonly told: string[] } {
  const told: string[] = [];
  return { ...options, told, onProgress: (text) => told.push(text) };
}

async function runtimeFilesLeft(runtimeDir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(runtimeDir))).map(({ name }) => name).filter((name) =>
    name !== "locks"
  );
}

Deno.test("a guest that does not power off is given its time, then QEMU is told to quit", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const options = telling({ timeoutMs: 300 });
  const stopped = await stopVm(vms.places, "demo", options);
  assert.deepEqual([stopped.name, stopped.way, stopped.remains], ["demo", "quit", { kind: "ended" }]);
  assert.deepEqual(options.told, [
    "letting it go on: it was in the state prelaunch",
    "pressing the power button",
    "it did not power off within 0.3 s",
    "telling QEMU to quit",
  ]);
  assert.equal(await findProcess(vm.pid), undefined);
  assert.deepEqual(await runtimeFilesLeft(vms.places.runtimeDir), []);
  assert(await exists(vm.folder.disk), "the disk of a kept VM stays");
});

Deno.test("a VM that powers off when the button is pressed is not told to quit", async () => {
  await using vms = await smallVms();
  // Without a guest there is nobody to hear the button: another client stands for it, as soon as the VM goes on.
  const { vm } = await vms.run("demo");
  const options = {
    timeoutMs: 20_000,
    onProgress: (text: string) => {
      if (text === "pressing the power button") {
        setTimeout(() => void qmp(vm.files.qmp, "quit").catch(() => {}), 50);
      }
    },
  };
  assert.equal((await stopVm(vms.places, "demo", options)).way, "power button");
});

Deno.test("a guest is asked through its agent although another program has the monitor for itself", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await using _other = await connectQmp(vm.files.qmp);
  await removeIfThere(vm.files.agent);
  // Stands for the guest's agent, and for its power-off.
  await using agent = await agentServer(({ execute }) => {
    if (execute === "guest-shutdown") Deno.kill(vm.pid, "SIGTERM");
    return undefined;
  });
  await Deno.symlink(agent.path, vm.files.agent);
  assert.equal((await stopVm(vms.places, "demo", { timeoutMs: 60_000 })).way, "guest agent");
});

Deno.test("stopping a VM that does not run says so and is no error; a VM that keeps nothing is gone", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo", { disk: "snapshot" });
  assert.deepEqual([await exists(vm.folder.dir), await exists(vm.folder.disk)], [true, false]);
  assert.equal((await stopVm(vms.places, "demo", { force: true })).way, "quit");
  assert.equal(await exists(vm.folder.dir), false);
  const again = await stopVm(vms.places, "demo", {});
  assert.deepEqual([again.way, again.remains], [undefined, { kind: "none" }]);
});

Deno.test("a guest that can hear nothing is not waited for", async () => {
  await using vms = await smallVms();
  // It waits for a migration from elsewhere, which never begins.
  await vms.run("demo", { qemuArgs: ["-S", "-incoming", "defer"] });
  const options = telling({ timeoutMs: 60_000 });
  assert.equal((await stopVm(vms.places, "demo", options)).way, "quit");
  assert.deepEqual(options.told, [
    "its guest cannot be asked: demo is in the state inmigrate",
    "telling QEMU to quit",
  ]);
});

Deno.test("Ctrl-C leaves the VM as it is", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const controller = new AbortController();
  const onProgress = (text: string) => {
    if (text === "pressing the power button") setTimeout(() => controller.abort(new CancelledError()), 50);
  };
  await assert.rejects(
    stopVm(vms.places, "demo", { signal: controller.signal, onProgress }),
    (error) => error instanceof CancelledError,
  );
  assert.equal((await inspectVm(vms.places, "demo")).pid, vm.pid);
  const waiting = new AbortController();
  await using _lock = await lockVm(vms.places.runtimeDir, "demo", "starting");
  setTimeout(() => waiting.abort(new CancelledError()), 50);
  await assert.rejects(stopVm(vms.places, "demo", { signal: waiting.signal }), CancelledError);
});

Deno.test("stop --force does not wait for another stop that waits for the guest, and both are content", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  const asked = Promise.withResolvers<void>();
  const patient = stopVm(vms.places, "demo", {
    onProgress: (text) => text === "pressing the power button" && asked.resolve(),
  });
  await asked.promise;
  const forced = await stopVm(vms.places, "demo", { force: true });
  assert.equal(forced.way, "quit");
  assert.equal((await patient).way, "power button");
  assert.deepEqual(await vms.qemus(), new Map());
});

Deno.test("a process that only has the id, or the arguments, of a QEMU is never signalled", async () => {
  await using vms = await smallVms();
  const { vm, ended } = await vms.run("demo");
  Deno.kill(vm.pid, "SIGKILL");
  await ended;
  // One program has its id now, another one QEMU's arguments among its own.
  const other = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const shell = new Deno.Command("sh", {
    args: ["-c", "sleep 60; exit 0", "qemu-system-x86_64", "-pidfile", vm.files.pid],
  }).spawn();
  try {
    await Deno.writeTextFile(vm.files.pid, `${other.pid}\n`);
    for (const pid of [other.pid, shell.pid]) {
      await Deno.writeTextFile(vm.files.pid, `${pid}\n`);
      await Deno.writeTextFile(vm.files.json, "{}");
      assert.equal((await inspectVm(vms.places, "demo")).pid, undefined);
      const stopped = await stopVm(vms.places, "demo", { force: true });
      assert.deepEqual([stopped.way, stopped.remains.kind], [undefined, "crashed"]);
      assert(await findProcess(pid), "it lives on");
    }
  } finally {
    other.kill("SIGKILL");
    shell.kill("SIGKILL");
    await Promise.all([other.status, shell.status]);
  }
});
