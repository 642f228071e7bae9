import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { checkAccelerator, judgeAccelerator } from "../../lib/doctor/accelerator.ts";
import { exists } from "../../lib/files.ts";
import { hostArchitecture } from "../../lib/architecture.ts";
import { patient } from "./patient.ts";

Deno.test("this host's accelerator is tried, and emulation is a warning that says why and what to do", async () => {
  await using user = await patient();
  const [accelerator, ...rest] = await checkAccelerator(user.context);
  deepEqual(rest, []);
  if (accelerator?.result === "ok") match(accelerator.detail, /^(kvm|hvf), which has just run a test guest$/);
  else {
    equal(accelerator?.result, "warning");
    match(accelerator?.detail ?? "", /^guests are emulated, which is much slower: .{10}/);
    match(accelerator?.fix ?? "", /.{10}/);
  }
});

Deno.test("what was remembered of an earlier try is not believed, but replaced", async () => {
  await using user = await patient();
  const [first] = await checkAccelerator(user.context);
  const memory = join(user.path, `cache/pim/accelerator-${hostArchitecture()}.json`);
  if (!await exists(memory)) return; // No device: no guest was tried.
  const remembered = JSON.parse(await Deno.readTextFile(memory));
  const lie = remembered.result.ran ? { ran: false, why: "a lie" } : { ran: true };
  await Deno.writeTextFile(memory, JSON.stringify({ ...remembered, result: lie }));
  const [second] = await checkAccelerator(user.context);
  equal(second?.result, first?.result);
  equal(JSON.parse(await Deno.readTextFile(memory)).result.ran, remembered.result.ran);
});

Deno.test("an obstacle comes with its own remedy", () => {
  const obstacle = { problem: "no permission on /dev/kvm", remedy: "sudo usermod -aG kvm you" };
  const finding = judgeAccelerator({ name: "tcg", reason: "x: y", obstacle });
  equal(finding.fix, obstacle.remedy);
  equal(finding.detail, "guests are emulated, which is much slower: no permission on /dev/kvm");
  equal(judgeAccelerator({ name: "kvm" }).result, "ok");
});
