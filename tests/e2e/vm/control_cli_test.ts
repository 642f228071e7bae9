import { deepEqual, equal, match } from "node:assert/strict";
import { gone, smallArgs, smallVms } from "../../vm/small_vms.ts";

Deno.test("ps, status, stop, restart and rm say what they did, and end in the codes that scripts go by", async (t) => {
  await using vms = await smallVms();
  const { pim } = vms;
  const rows = (text: string) => text.trimEnd().split("\n").map((line) => line.split(/  +/));

  await t.step("without VMs", async () => {
    const [ps, json, all, rm] = await Promise.all([
      pim("ps"),
      pim("ps", "-a", "--json"),
      pim("stop", "--all"),
      pim("rm", "demo"),
    ]);
    deepEqual([ps.code, ps.stdout], [0, "No VM is running.\n"]);
    deepEqual([json.code, json.stdout], [0, "[]\n"]);
    deepEqual([all.code, all.stdout], [0, "No VM is running.\n"]);
    deepEqual([rm.code, rm.stdout], [2, ""]);
    equal(
      rm.stderr,
      'error: There is no VM "demo"\nhint: No VM is running. Start one with: pim run PROFILE\n',
    );
  });

  await t.step("with some", async () => {
    for (const name of ["web", "mail"]) {
      equal((await pim("run", vms.image, "--name", name, ...smallArgs)).code, 0);
    }
    const [ps, json, status, which] = await Promise.all([
      pim("ps"),
      pim("ps", "--json"),
      pim("status", "we"),
      pim("stop"),
    ]);
    const [header, mail, web] = rows(ps.stdout);
    deepEqual(header, ["NAME", "STATE", "IMAGE", "MEMORY", "SSH", "UPTIME"]);
    deepEqual([mail?.slice(0, 4), web?.slice(0, 2)], [["mail", "prelaunch", "small.qcow2", "64 MiB"], [
      "web",
      "prelaunch",
    ]]);
    match(web?.[4] ?? "", /^127\.0\.0\.1:2\d{3}$/);
    match(web?.[5] ?? "", /^\d+s$/);
    const [first] = JSON.parse(json.stdout);
    deepEqual([first.name, first.pid, first.network], ["mail", (await vms.qemus()).get("mail"), "user"]);
    match(status.stdout, /^state +prelaunch, process \d+$/m);
    match(status.stdout, /^agent +not there: /m);
    match(status.stdout, /^machine +64 MiB, 1 CPU, (amd64|arm64), (bios|uefi), \w+, QEMU \d/m);
    deepEqual([which.code, which.stdout], [2, ""]);
    match(which.stderr, /^hint: Running: mail, web\. Name some of them, or say --all$/m);
  });

  await t.step("stopped and started", async () => {
    const refused = await pim("rm", "web");
    deepEqual([refused.code, refused.stdout], [2, ""]);
    match(refused.stderr, /^error: The VM web is running$/m);
    const [stop, unknown] = [await pim("stop", "--timeout", "0", "web"), await pim("stop", "mail", "nobody")];
    match(stop.stdout, /^web was stopped by QEMU's quit in \d+\.\d s\n$/);
    deepEqual(
      [unknown.code, unknown.stdout, (await vms.qemus()).size],
      [2, "", 1],
      "nothing is done by halves",
    );
    const again = await pim("stop", "web", "mail", "--force");
    equal(again.code, 0);
    match(again.stdout, /^web is not running$/m);
    match(again.stdout, /^mail was stopped by QEMU's quit/m);
    const ps = await pim("ps");
    equal(ps.stdout, "No VM is running. Stopped: 2; see them with: pim ps -a\n");
    match((await pim("ps", "-a")).stdout, /^web +stopped +small\.qcow2 +64 MiB +- +- +\d+ KiB$/m);
    const restart = await pim("restart", "web");
    equal(restart.stdout, "web was not running and is now; log in with: pim ssh web\n");
    match(
      (await pim("restart", "--force", "web")).stdout,
      /^web was stopped by QEMU's quit and is running; log in with: pim ssh web\n$/,
    );
  });

  await t.step("a crash", async () => {
    const pid = (await vms.qemus()).get("web") ?? 0;
    Deno.kill(pid, "SIGKILL");
    await gone(pid);
    const status = await pim("status", "web");
    match(status.stdout, /^state +stopped\n[^]*^problem +web: QEMU ended unexpectedly and said nothing$/m);
    equal((await pim("ps", "-a")).stderr, "", "it was told already");
  });

  await t.step("a name that only begins as one does removes nothing", async () => {
    const rm = await pim("rm", "we");
    deepEqual([rm.code, rm.stdout], [2, ""]);
    equal(
      rm.stderr,
      'error: There is no VM "we"\nhint: Did you mean web? What is removed has to be named in full.\n',
    );
    const fresh = await pim("run", "we", "--fresh");
    deepEqual([fresh.code, fresh.stdout], [2, ""]);
    match(fresh.stderr, /^error: There is no image "we"$/m);
  });

  await t.step("one failure does not keep the others from being removed", async () => {
    await vms.run("mail");
    const rm = await pim("rm", "mail", "web", "mail");
    deepEqual([rm.code, rm.stdout], [1, "web is removed\n"]);
    equal(
      rm.stderr,
      "warning: mail: The VM mail is running\n" +
        "hint: Stop it first: pim stop mail. Or end it at once and remove it: pim rm --force mail\n" +
        "error: 1 of 2 VMs could not be removed\n",
    );
    equal((await pim("rm", "--force", "mail")).stdout, "mail is removed\n");
    equal((await pim("ps", "-a", "--json")).stdout, "[]\n");
  });
});
