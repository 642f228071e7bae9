import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { followSerial, lastSerialLines, serialCleaner } from "../../lib/qemu/serial.ts";
import { tempDir } from "../base/temp.ts";

Deno.test("console output becomes readable lines", () => {
  const clean = serialCleaner();
  const text =
    "\x1b[2J\x1b[01;01H\x1b[=3hSeaBIOS\r\n\x1b[0;32m[  OK  ]\x1b[0m Started \x1b]0;title\x07sshd.\r\n\r\n\x1b(B\x0f ok\n";
  assert.deepEqual(clean(text), ["SeaBIOS", "[  OK  ] Started sshd.", " ok"]);
});

Deno.test("what is drawn at another place of the screen is another line", () => {
  assert.deepEqual(serialCleaner()("\x1b[3;10HDetecting disks\x1b[5;10H50%\x1b[9;1H\n"), [
    "Detecting disks",
    "50%",
  ]);
});

Deno.test("a line that is redrawn is given once for each new content", () => {
  assert.deepEqual(serialCleaner()("... 10%\r... 10%\r... 20%\r\n"), ["... 10%", "... 20%"]);
});

Deno.test("lines and escape sequences may come in pieces of any size", () => {
  const text = "one \x1b[1;31mred\x1b[0m\r\n\x1b]2;t\x1b\\two\x1b[K\r\nthree\n";
  const clean = serialCleaner();
  assert.deepEqual([...text].flatMap((letter) => clean(letter)), ["one red", "two", "three"]);
});

Deno.test("a stray escape does not hold back what follows for ever", () => {
  const clean = serialCleaner();
  clean("\x1b]" + "x".repeat(300));
  assert(clean("\nafter\n").includes("after"));
});

Deno.test("a log is followed from before it exists until the signal, its last part of a line included", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const log = join(folder, "serial.log");
  const controller = new AbortController();
  const lines: string[] = [];
  const following = (async () => {
    for await (const line of followSerial(log, { signal: controller.signal, intervalMs: 5 })) {
      lines.push(line);
    }
  })();
  await sleep(20);
  await Deno.writeTextFile(log, "Boo");
  await sleep(20);
  await Deno.writeTextFile(log, "ting\r\nlogin: ", { append: true });
  while (lines.length < 1) await sleep(5);
  assert.deepEqual(lines, ["Booting"]);
  await Deno.writeTextFile(log, "root", { append: true });
  controller.abort();
  await following;
  assert.deepEqual(lines, ["Booting", "login: root"]);
  assert.equal(await lastSerialLines(log, 1), "login: root");
});

Deno.test("following may begin where an earlier start of the machine ended", async () => {
  await using temp = await tempDir();
  const folder = temp.path;
  const log = join(folder, "serial.log");
  await Deno.writeTextFile(log, "install\nrun\n");
  const lines: string[] = [];
  const signal = AbortSignal.abort();
  for await (const line of followSerial(log, { signal, fromBytes: 8 })) lines.push(line);
  assert.deepEqual(lines, ["run"]);
});

Deno.test("the last lines of a log that is not there are none", async () => {
  assert.equal(await lastSerialLines("/nonexistent/serial.log", 5), "");
});
