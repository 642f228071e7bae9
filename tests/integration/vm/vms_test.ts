import assert from "node:assert/strict";
import { join } from "node:path";
import { PimError, UsageError } from "../../../lib/errors.ts";
import { exists } from "../../../lib/files.ts";
import { runtimeFiles, vmFolders } from "../../../lib/paths.ts";
import { findProcess } from "../../../lib/process_table.ts";
import { doingNow, lockVm } from "../../../lib/vm/locks.ts";
import { clearRemains, describeCrash } from "../../../lib/vm/remains.ts";
import { stopVm } from "../../../lib/vm/stop.ts";
import { type Survey, surveyVms } from "../../../lib/vm/survey.ts";
import { findRunningVm, findVm, inspectVm, listVms } from "../../../lib/vm/vms.ts";
import { gone, qmp, smallVms } from "../../vm/small_vms.ts";

const states = ({ vms }: Survey) => Object.fromEntries(vms.map(({ vm, state }) => [vm.name, state]));

Deno.test("the survey tells running, paused and stopped VMs apart, with QEMU's own words", async () => {
  await using vms = await smallVms();
  await vms.run("going", { qemuArgs: [] });
  const { vm: paused } = await vms.run("paused", { qemuArgs: [] });
  await vms.run("waiting");
  await vms.run("ended");
  await qmp(paused.files.qmp, "stop");
  await stopVm(vms.places, "ended", { force: true });
  const survey = await surveyVms(vms.places, 5000);
  assert.deepEqual(states(survey), {
    ended: "stopped",
    going: "running",
    paused: "paused",
    waiting: "prelaunch",
  });
  assert.deepEqual(survey.crashes, []);
});

Deno.test("a killed QEMU is told of once, with what it said, and all it left is cleared away", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const { vm: throwaway } = await vms.run("scratch", { disk: "snapshot" });
  await Deno.writeTextFile(vm.files.log, "qemu: something broke\n", { append: true });
  for (const { pid } of [vm, throwaway]) {
    Deno.kill(pid, "SIGKILL");
    await gone(pid);
  }
  const survey = await surveyVms(vms.places, 500);
  assert.deepEqual(states(survey), { demo: "stopped" }, "of the other nothing is kept");
  assert.deepEqual(survey.crashes.map(({ name, crash }) => describeCrash(name, crash)).sort(), [
    `demo: QEMU ended unexpectedly; what it said is in ${vm.folder.crashLog}`,
    "scratch: QEMU ended unexpectedly and said nothing",
  ]);
  assert.equal(await Deno.readTextFile(vm.folder.crashLog), "qemu: something broke\n");
  for (const file of [...Object.values(vm.files), ...Object.values(throwaway.files), throwaway.folder.dir]) {
    assert.equal(await exists(file), false, file);
  }
  assert.deepEqual((await surveyVms(vms.places, 500)).crashes, []);
});

Deno.test("a guest that has powered off is no crash, and its VM can be started again at once", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await qmp(vm.files.qmp, "quit").catch(() => {});
  await gone(vm.pid);
  assert.deepEqual(await clearRemains(vms.places, "demo"), { kind: "ended" });
  const { vm: again } = await vms.run("demo");
  assert.notEqual(again.pid, vm.pid);
  assert.equal((await findRunningVm(vms.places, "demo")).pid, again.pid);
});

Deno.test("whatever is taken from a running VM's files, it is known to run, and is not started twice", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const { pid, files, folder } = vm;
  const damages: readonly (() => Promise<void>)[] = [
    () => Deno.remove(files.pid),
    () => Deno.writeTextFile(files.pid, "1\n"),
    () => Deno.writeTextFile(files.pid, "\0\0garbage"),
    () => Deno.writeTextFile(files.json, '{"version": 1, "definition": {"na'),
    () => Deno.remove(files.json),
    () => Deno.writeTextFile(folder.definition, "half a fi"),
    () => Deno.remove(folder.definition),
    async () => {
      for (const file of Object.values(files)) if (await exists(file)) await Deno.remove(file);
    },
    () => Deno.remove(folder.dir, { recursive: true }),
  ];
  for (const damage of damages) {
    await damage();
    const survey = await surveyVms(vms.places, 2000);
    assert.deepEqual([survey.vms.map(({ vm }) => vm.pid), survey.crashes], [[pid], []], String(damage));
    assert.equal((await findVm(vms.places, "demo")).pid, pid, String(damage));
    await assert.rejects(vms.run("demo"), (error) => {
      assert(error instanceof PimError);
      assert.match(error.message, /^The VM demo is running already$/);
      return true;
    }, String(damage));
  }
  const stopped = await stopVm(vms.places, "demo", { force: true });
  assert.equal(stopped.way, "SIGTERM", "without its socket it cannot be told to quit");
  assert.equal(await findProcess(pid), undefined);
  assert.deepEqual(await listVms(vms.places), []);
});

Deno.test("files that are no VM's, half a VM's or damaged do not keep the others from being listed", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  const { vmsDir, runtimeDir } = vms.places;
  await Deno.writeTextFile(join(vmsDir, ".DS_Store"), "");
  await Deno.mkdir(join(vmsDir, "two words"));
  await Deno.mkdir(join(vmsDir, "damaged"));
  await Deno.writeTextFile(join(vmsDir, "damaged", "vm.json"), '{"version": 1}');
  await Deno.mkdir(vmFolders(vmsDir, "begun").part);
  await Deno.writeTextFile(join(runtimeDir, "-x.json"), "{}");
  await Deno.writeTextFile(join(runtimeDir, "stale.pid"), "999999999\n");
  await Deno.writeTextFile(join(runtimeDir, ".stale.json.0f0f0f0f.part"), "{");
  // Sockets alone: a build's.
  await Deno.writeTextFile(join(runtimeDir, "build-amd64-20260101T000000Z.qmp"), "");
  const survey = await surveyVms(vms.places, 2000);
  assert.deepEqual(states(survey), { damaged: "stopped", demo: "prelaunch" });
  assert.match(survey.vms[0]?.vm.problem ?? "", /damaged\/vm\.json is damaged: /);
  assert.equal(await exists(vmFolders(vmsDir, "begun").part), false);
  for (const left of ["stale.pid", ".stale.json.0f0f0f0f.part"]) {
    assert.equal(await exists(join(runtimeDir, left)), false, left);
  }
  assert(await exists(join(runtimeDir, "build-amd64-20260101T000000Z.qmp")));
});

Deno.test("what another pim does with a VM is told, and its files are left alone", async () => {
  await using vms = await smallVms();
  const { runtimeDir, vmsDir } = vms.places;
  await Deno.mkdir(vmFolders(vmsDir, "young").part, { recursive: true });
  {
    await using _starting = await lockVm(runtimeDir, "young", "starting");
    assert.deepEqual(states(await surveyVms(vms.places, 500)), { young: "starting" });
    assert.deepEqual(await clearRemains(vms.places, "young"), { kind: "busy" });
    assert(await exists(vmFolders(vmsDir, "young").part));
  }
  assert.equal(await doingNow(runtimeDir, "young"), undefined);
  assert.deepEqual(states(await surveyVms(vms.places, 500)), {});
  await vms.run("demo");
  await using _stopping = await lockVm(runtimeDir, "demo", "stopping");
  assert.deepEqual(states(await surveyVms(vms.places, 500)), { demo: "stopping" });
});

Deno.test("a whole name comes before longer ones; a beginning must be of one name alone", async () => {
  await using vms = await smallVms();
  for (const name of ["web", "web2", "mail"]) await vms.run(name);
  const found = async (text: string) => (await findVm(vms.places, text)).name;
  assert.deepEqual(await Promise.all(["web", "web2", "m"].map(found)), ["web", "web2", "mail"]);
  await assert.rejects(found("we"), {
    ...{ name: "UsageError", message: '"we" may be any of these VMs: web, web2' },
    hint: "Type more of the name.",
  });
  await stopVm(vms.places, "web", { force: true });
  assert.equal(
    (await inspectVm(vms.places, "web2")).pid,
    (await vms.qemus()).get("web2"),
    "the longer one runs on",
  );
  for (
    const [text, hint] of [["wbe", /^Running: mail, web2\. Did you mean web\?$/], [
      "",
      /^Running: mail, web2\./,
    ]]
  ) {
    await assert.rejects(findVm(vms.places, text as string), (error) => {
      assert(error instanceof UsageError);
      assert.match(error.hint ?? "", hint as RegExp);
      return true;
    });
  }
  await assert.rejects(findRunningVm(vms.places, "web"), /^UsageError: The VM web is not running$/);
});

Deno.test("a folder that was copied by hand is a VM of its own", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await Deno.mkdir(join(vms.places.vmsDir, "copy"));
  for (const file of ["vm.json", "disk.qcow2"]) {
    await Deno.copyFile(join(vm.folder.dir, file), join(vms.places.vmsDir, "copy", file));
  }
  const { vm: copy } = await vms.run("copy", { what: "copy" });
  assert.equal(copy.files.qmp, runtimeFiles(vms.places.runtimeDir, "copy").qmp);
  assert.deepEqual(new Set((await vms.qemus()).keys()), new Set(["copy", "demo"]));
});
