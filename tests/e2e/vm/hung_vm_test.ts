import assert from "node:assert/strict";
import { exists } from "../../../lib/files.ts";
import { findProcess } from "../../../lib/process_table.ts";
import { stopVm } from "../../../lib/vm/stop.ts";
import { surveyVms } from "../../../lib/vm/survey.ts";
import { smallVms } from "../../vm/small_vms.ts";

Deno.test("a QEMU that hangs is not answering, does not hold up the list, and is killed by force", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await vms.run("other");
  Deno.kill(vm.pid, "SIGSTOP");
  // More callers than QEMU lets wait for it.
  const surveys = await Promise.all(Array.from({ length: 4 }, () => surveyVms(vms.places, 300)));
  for (const { vms: [demo] } of surveys) assert.equal(demo?.state, "not answering");
  assert.equal((await surveyVms(vms.places, 300)).vms[1]?.state, "prelaunch");
  const told: string[] = [];
  const stopped = await stopVm(vms.places, "demo", { force: true, onProgress: (text) => told.push(text) });
  assert.deepEqual([stopped.way, stopped.remains], ["SIGKILL", { kind: "ended" }], "which is no crash");
  assert.deepEqual(told.slice(-2), [
    `sending SIGTERM to QEMU, process ${vm.pid}`,
    `sending SIGKILL to QEMU, process ${vm.pid}`,
  ]);
  assert.equal(await findProcess(vm.pid), undefined);
  for (const file of Object.values(vm.files)) assert.equal(await exists(file), false, file);
});
