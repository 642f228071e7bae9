import { deepEqual, equal, match } from "node:assert/strict";
import { removeIfThere } from "../../../lib/files.ts";
import { runtimeFiles } from "../../../lib/paths.ts";
import { agentServer } from "../../qemu/agent_server.ts";
import { gone, smallArgs, smallVms } from "../../vm/small_vms.ts";

Deno.test("qmp talks to QEMU and prints what it returns", async (t) => {
  await using vms = await smallVms();
  const { pim } = vms;
  equal((await pim("run", vms.image, "--name", "demo", ...smallArgs)).code, 0);
  const json = async (...words: string[]) => {
    const { code, stdout, stderr } = await pim("qmp", "demo", ...words);
    deepEqual([code, stderr], [0, ""]);
    return JSON.parse(stdout);
  };

  await t.step("commands", async () => {
    equal((await json("query-status")).status, "prelaunch");
    equal((await json('{"execute": "query-status", "id": 1}')).running, false);
    equal((await pim("qmp", "demo", "stop")).stdout, "{}\n");
    deepEqual(await json("object-add", "qom-type=memory-backend-ram", "id=extra", "size=4194304"), {});
    equal(await json("qom-get", "path=/objects/extra", "property=size"), 4194304);
    const list = await pim("qmp", "demo");
    match(list.stdout, /^query-status$/m);
    deepEqual(await json("--json"), list.stdout.trimEnd().split("\n"));
  });

  await t.step("errors", async () => {
    const [unknown, wrong, number, usage] = await Promise.all([
      pim("qmp", "demo", "query-statuss"),
      pim("qmp", "demo", "qom-get", "path=/nowhere", "property=x"),
      pim("qmp", "demo", "device_del", "id=5"),
      pim("qmp", "demo", "device_del", "5"),
    ]);
    deepEqual([unknown.code, unknown.stdout], [1, ""]);
    match(unknown.stderr, /^error: query-statuss failed: .* not been found \(CommandNotFound\)$/m);
    match(unknown.stderr, /^hint: Did you mean query-status\? All commands: pim qmp demo$/m);
    match(wrong.stderr, /^error: qom-get failed: .*\((DeviceNotFound|GenericError)\)$/m);
    match(number.stderr, /^hint: A string that looks like a number .* KEY='"1"'$/m);
    deepEqual([wrong.code, number.code, usage.code], [1, 1, 2]);
  });

  await t.step("events", async () => {
    const [ready, lines] = [Promise.withResolvers<void>(), [] as string[]];
    const run = vms.startPim(["qmp", "demo", "--events"], {
      onLine: (line) => {
        lines.push(line);
        ready.resolve();
      },
    });
    await ready.promise; // It says so when it listens.
    const pid = (await vms.qemus()).get("demo") ?? 0;
    Deno.kill(pid, "SIGTERM");
    const { code, stdout } = await run.result;
    equal(code, 0);
    deepEqual(stdout.trimEnd().split("\n").map((line) => JSON.parse(line).event), ["SHUTDOWN"]);
    match(lines.at(-1) ?? "", /^QEMU of demo has ended$/);
    await gone(pid);
  });
});

Deno.test("ga talks to the guest agent, and takes no answer for an answer where there is none", async (t) => {
  await using vms = await smallVms();
  const { pim } = vms;
  equal((await pim("run", vms.image, "--name", "demo", ...smallArgs)).code, 0);
  const socket = runtimeFiles(vms.places.runtimeDir, "demo").agent;
  await removeIfThere(socket);
  const supported_commands = [
    { name: "guest-ping", enabled: true, "success-response": true },
    { name: "guest-exec", enabled: false, "success-response": true },
  ];
  const unknown = (name: string) => ({
    class: "CommandNotFound",
    desc: `The command ${name} has not been found`,
  });
  // As qemu-ga says when systemd, on its way down, was quicker than the agent's own program.
  const killed = { class: "GenericError", desc: "child process has terminated abnormally: " };
  await using server = await agentServer(({ execute, arguments: args }) => {
    if (execute === "guest-shutdown" && args.mode === "reboot") return { error: killed };
    if (execute === "guest-shutdown" || execute === "guest-fsfreeze-freeze") return undefined;
    if (execute === "guest-info") return { return: { version: "7.2.0", supported_commands } };
    if (execute === "guest-ping") return { return: {} };
    if (execute === "guest-file-open") return { return: args };
    if (execute === "guest-exec") {
      return { error: { class: "CommandNotFound", desc: "Command guest-exec has been disabled" } };
    }
    return { error: unknown(execute) };
  });
  await Deno.symlink(server.path, socket);

  await t.step("commands", async () => {
    const [list, ping, open] = [
      await pim("ga", "demo"),
      await pim("ga", "demo", "guest-ping"),
      await pim("ga", "demo", "guest-file-open", "path=/etc/hosts", "mode=r"),
    ];
    equal(list.stdout, "guest-exec  (refused)\nguest-ping\n");
    deepEqual(ping, { code: 0, stdout: "{}\n", stderr: "" });
    deepEqual(JSON.parse(open.stdout), { path: "/etc/hosts", mode: "r" });
  });

  await t.step("errors", async () => {
    const [misspelt, refused] = [
      await pim("ga", "demo", "guest-pin"),
      await pim("ga", "demo", "guest-exec", "path=x"),
    ];
    deepEqual([misspelt.code, refused.code], [1, 1]);
    match(misspelt.stderr, /^hint: Did you mean guest-ping\? All commands: pim ga demo$/m);
    match(refused.stderr, /^error: The guest agent of demo is set up to refuse guest-exec$/m);
  });

  await t.step("silence", async () => {
    for (const mode of ["powerdown", "reboot"]) {
      const { code, stdout, stderr } = await pim("ga", "demo", "guest-shutdown", `mode=${mode}`);
      deepEqual([code, stdout], [0, ""]);
      match(stderr, /^The guest agent was told guest-shutdown, which it does not answer$/m);
    }
    const late = await pim("ga", "demo", "--timeout", "0.5", "guest-fsfreeze-freeze");
    deepEqual([late.code, late.stdout], [6, ""]);
    match(late.stderr, /^error: The guest agent did not answer guest-fsfreeze-freeze within 500 ms$/m);
    match(late.stderr, /^hint: It may still be at work\. Give it longer with --timeout SECONDS$/m);
  });
});
