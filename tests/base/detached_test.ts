import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HostError } from "../../lib/errors.ts";
import { run, startDetached } from "../../lib/process.ts";
import { findProcess, listProcesses, parseProcesses } from "../../lib/process_table.ts";
import { tempDir } from "./temp.ts";

const starter = join(import.meta.dirname ?? ".", "start_detached.ts");

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await condition())) {
    assert.ok(Date.now() < endMs, what);
    await sleep(20);
  }
}

Deno.test("a detached program lives on in a session of its own, and its output is in a private file", async () => {
  await using dir = await tempDir();
  const log = join(dir.path, "program.log");
  const { stdout } = await run([Deno.execPath(), "run", "-A", "--no-check", starter, log]);
  const pid = Number(stdout);
  try {
    await until("it runs", async () => (await findProcess(pid))?.command === "sleep 60");
    const { stdout: session } = await run(["ps", "-o", "sid=", "-p", String(pid)]);
    assert.equal(Number(session), pid);
    assert.equal(await Deno.readTextFile(log), "begun\ntrouble\n");
    assert.equal(((await Deno.stat(log)).mode ?? 0) & 0o777, 0o600);
    assert.ok((await listProcesses()).some((each) => each.pid === pid && each.command === "sleep 60"));
  } finally {
    Deno.kill(pid, "SIGKILL");
  }
});

Deno.test("the end of a detached program is seen while pim is there, with its status or signal", async () => {
  await using dir = await tempDir();
  const log = join(dir.path, "log");
  assert.deepEqual(await (await startDetached(["sh", "-c", "exit 3"], { log })).ended, {
    code: 3,
    signal: null,
  });
  const killed = await startDetached(["sleep", "60"], { log });
  Deno.kill(killed.pid, "SIGKILL");
  assert.equal((await killed.ended).signal, "SIGKILL");
  await until("a dead process is none", async () => await findProcess(killed.pid) === undefined);
});

Deno.test("a detached program that is not installed is told at once", async () => {
  await using dir = await tempDir();
  await assert.rejects(
    startDetached(["pim-no-such-program"], { log: join(dir.path, "log") }),
    (error) => error instanceof HostError && /pim-no-such-program is not installed/.test(error.message),
  );
});

Deno.test("the process table of ps is read whole, zombies left out", () => {
  const text =
    "    1 Ss   /sbin/init splash\n  77 Z    [defunct]\n 1234 S+   qemu-system-x86_64 -name a  b\n";
  assert.deepEqual(parseProcesses(text), [
    { pid: 1, command: "/sbin/init splash" },
    { pid: 1234, command: "qemu-system-x86_64 -name a  b" },
  ]);
});
