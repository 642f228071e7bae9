import assert from "node:assert/strict";
import { stopVm } from "../../../../lib/vm/stop.ts";
import { smallVms } from "../../../vm/small_vms.ts";

Deno.test("what needs a running VM is proposed those that run, and the rest all of them", async () => {
  await using vms = await smallVms();
  await vms.run("going");
  await vms.run("ended");
  await stopVm(vms.places, "ended", { force: true });
  const propose = async (...words: string[]) => {
    const { stdout } = await vms.pim("complete", "fish", "--", ...words);
    return stdout.trimEnd().split("\n").slice(1);
  };
  for (const command of ["stop", "console", "ssh", "exec", "ip", "qmp", "screenshot"]) {
    assert.deepEqual(await propose(command, ""), ["going"], command);
  }
  for (const command of ["rm", "status", "log", "restart"]) {
    assert.deepEqual(await propose(command, ""), ["ended", "going"], command);
  }
  assert.deepEqual(await propose("run", ""), ["ended"], "one that runs cannot be run");
  assert.deepEqual(await propose("stop", "going", ""), []);
  assert.deepEqual(await propose("cp", ""), ["going:"]);
  assert.deepEqual(await propose("cp", "root@"), ["root@going:"]);
  assert.deepEqual(await propose("ssh", "root@"), ["root@going"]);
  assert.deepEqual(await propose("ssh", "going", ""), [], "what to run there is not pim's");
});
