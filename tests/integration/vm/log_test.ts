import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../lib/files.ts";
import { lineSplitter } from "../../../lib/lines.ts";
import { readLog } from "../../../lib/vm/console/vm_log.ts";
import { stopVm } from "../../../lib/vm/stop.ts";
import { tempDir } from "../../base/temp.ts";
import { gone, type SmallVms, smallVms } from "../../vm/small_vms.ts";

const raw = "\x1b[2J\x1b[1;1HSeaBIOS\r\n\r\n... 10%\r... 20%\r\n\x1b[32mok\x1b[0m\r\nlogin: ";

async function read(path: string, options: Parameters<typeof readLog>[1]): Promise<string> {
  let text = "";
  for await (const piece of readLog(path, options)) text += new TextDecoder().decode(piece);
  return text;
}

Deno.test("a log is readable lines, or as it is; all of it or its end", async () => {
  await using dir = await tempDir({ "log": raw });
  const path = join(dir.path, "log");
  assert.equal(
    await read(path, { raw: false }),
    "SeaBIOS\n... 10%\n... 20%\nok\nlogin:\n",
  );
  assert.equal(await read(path, { raw: false, lines: 2 }), "ok\nlogin:\n");
  assert.equal(await read(path, { raw: false, lines: 0 }), "");
  assert.equal(await read(path, { raw: true }), raw);
  assert.equal(await read(path, { raw: true, lines: 2 }), "\x1b[32mok\x1b[0m\r\nlogin: ");
});

for (const [how, options] of Object.entries({ lines: { raw: false }, bytes: { raw: true } })) {
  Deno.test(`a log is followed as ${how} from its end on, until the end`, async () => {
    await using dir = await tempDir({ "log": "one\ntwo\nlo" });
    const path = join(dir.path, "log");
    const until = new AbortController();
    let text = "";
    const done = (async () => {
      for await (const piece of readLog(path, { ...options, lines: 2, until: until.signal })) {
        text += new TextDecoder().decode(piece);
        if (text.includes("login:\n")) until.abort();
      }
    })();
    while (!text.includes("two\n")) await new Promise((resolve) => setTimeout(resolve, 2));
    await Deno.writeTextFile(path, "gin:\nlast words", { append: true });
    await done;
    assert.equal(text, options.raw ? "two\nlogin:\nlast words" : "one\ntwo\nlogin:\nlast words\n");
  });
}

/** Starts a VM whose processor stands still, and has its console log say this. */
async function vmSaying(vms: SmallVms, text: string): Promise<number> {
  const { vm } = await vms.run("demo");
  await Deno.writeTextFile(vm.folder.serialLog, text, { append: true });
  return vm.pid;
}

Deno.test("pim log prints the console of a VM that runs, of one that is stopped, and of the start before", async () => {
  await using vms = await smallVms();
  await vmSaying(vms, "the first start\r\n");
  await stopVm(vms.places, "demo", { force: true });
  assert.deepEqual(await vms.pim("log", "demo"), { code: 0, stdout: "the first start\n", stderr: "" });
  await vmSaying(vms, "the second start\r\n");
  assert.equal((await vms.pim("log", "de")).stdout, "the second start\n");
  assert.equal((await vms.pim("log", "demo", "--previous", "--raw")).stdout, "the first start\r\n");
  const wrong = await vms.pim("log", "demo", "--previous", "-f");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /^error: Nothing can be added to the log of an earlier start/);
});

Deno.test("pim log --qemu prints what QEMU says, and when it has crashed what it said", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const { stderr } = await vms.pim("log", "demo", "--qemu");
  assert.equal(stderr, `${vm.files.log} is empty\n`);
  await Deno.writeTextFile(vm.files.log, "qemu-system: out of luck\n", { append: true });
  assert.equal((await vms.pim("log", "demo", "--qemu")).stdout, "qemu-system: out of luck\n");
  Deno.kill(vm.pid, "SIGKILL");
  await gone(vm.pid);
  await vms.pim("ps"); // Clears away what it left.
  assert.equal(await exists(vm.files.log), false);
  for (const args of [["--qemu"], ["--qemu", "--previous"]]) {
    assert.equal((await vms.pim("log", "demo", ...args)).stdout, "qemu-system: out of luck\n");
  }
});

Deno.test("pim log says when there is no such log", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  await stopVm(vms.places, "demo", { force: true });
  const cases: [string[], RegExp][] = [
    [["--previous"], /^error: demo has not been started twice: it has no such log\n/],
    [["--qemu"], /^error: demo does not run, and its QEMU ended in order\nhint: /],
    [["--qemu", "--previous"], /^error: QEMU of demo never ended unexpectedly\nhint: /],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await vms.pim("log", "demo", ...args);
    assert.equal(code, 1);
    assert.match(stderr, message);
  }
  assert.equal((await vms.pim("log", "nobody")).code, 2);
});

Deno.test("pim log -f follows a VM to its end, and no further than Ctrl-C or its reader", async () => {
  await using vms = await smallVms();
  const pid = await vmSaying(vms, "one\ntwo\n");
  const log = join(vms.places.vmsDir, "demo", "serial.log");
  const follow = (...args: string[]) => {
    const { promise: shown, resolve } = Promise.withResolvers<void>();
    const run = vms.startPim(["log", "demo", "-f", ...args], {
      onLine: (line) => line === "two" && resolve(),
    });
    return { ...run, shown };
  };
  const [first, second] = [follow("-n", "1"), follow()];
  await Promise.all([first.shown, second.shown]);
  second.kill("SIGINT");
  assert.deepEqual(await second.result, { code: 130, stdout: "one\ntwo\n", stderr: "cancelled\n" });
  await Deno.writeTextFile(log, "last words", { append: true });
  Deno.kill(pid, "SIGKILL");
  assert.deepEqual(await first.result, {
    code: 0,
    stdout: "two\nlast words\n",
    stderr: "demo has ended\n",
  });
});

Deno.test("pim log -f ends when nobody reads it any more", async () => {
  await using vms = await smallVms();
  await vmSaying(vms, "one\n");
  const log = join(vms.places.vmsDir, "demo", "serial.log");
  const main = new URL("../../../main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", main, "log", "demo", "-f"],
    env: vms.env,
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const lines: string[] = [];
  const split = lineSplitter((line) => lines.push(line));
  while (lines.length < 1) split(new TextDecoder().decode((await reader.read()).value));
  await reader.cancel();
  // Again and again: the pipe may take a line yet before it is closed.
  const writing = setInterval(() => Deno.writeTextFileSync(log, "two\n", { append: true }), 50);
  assert.equal((await child.status).code, 0);
  clearInterval(writing);
  assert.deepEqual(lines, ["one"]);
});
