import { equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Phase } from "../../../../lib/build/diagnosis/evidence.ts";
import { DiagnosedError, type ReasonCode } from "../../../../lib/build/diagnosis/reason.ts";
import { type Watch, watchMachine, type WatchOptions } from "../../../../lib/build/diagnosis/watch.ts";
import { debian } from "../../../../lib/installer/debian.ts";
import { type SmallMachine, smallMachine } from "../../../build/diagnosis/small_machine.ts";

/** A watch over a machine that does nothing; the test plays its console. */
async function watched(
  phase: Phase,
  test: (watch: Watch, it: SmallMachine) => Promise<void>,
  more: Partial<WatchOptions> = {},
): Promise<void> {
  await using it = await smallMachine();
  await using watch = await watchMachine({
    phase,
    machine: it.machine,
    serialLog: it.workspace.files.serialLog,
    stallMs: 60_000,
    deadlineMs: 60_000,
    stopSigns: debian.stopSigns,
    intervalMs: 50,
    ...more,
  });
  if (phase === "script") watch.see({ script: { name: "web", last: [] } });
  await test(watch, it);
}

const fails = (watch: Watch, code: ReasonCode) =>
  rejects(watch.failed, (error) => {
    ok(error instanceof DiagnosedError, String(error));
    equal(error.reason.code, code);
    return true;
  });

Deno.test("a kernel panic on the console ends the watch at once, with the console's last lines", async () => {
  await watched("install", async (watch, { serial }) => {
    const said = performance.now();
    const failed = rejects(watch.failed, (error) => {
      ok(error instanceof DiagnosedError);
      equal(error.reason.code, "kernel-panic");
      match(error.message, /^The installation failed: the kernel gave up: .*Kernel panic - not syncing: VFS/);
      match(error.message, /\nThe last lines of its console:\n {2}\| \[ {4}1\.2\] Kernel panic/);
      return true;
    });
    await serial("\x1b[1m[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs\x1b[0m\r\n");
    await failed;
    ok(performance.now() - said < 20_000);
  });
});

Deno.test("a question that stands still for a moment ends the watch", async () => {
  await watched("install", async (watch, { serial }) => {
    const failed = fails(watch, "installer-question");
    await serial("Set up users\r\n------------\r\n\r\nUsername:\r\nPrompt: '?' for help> ");
    await failed;
  });
});

Deno.test("silence ends the watch after the stall time, not before", async () => {
  await watched("script", async (watch) => {
    const beganMs = performance.now();
    await fails(watch, "script-hung");
    ok(performance.now() - beganMs >= 400);
  }, { stallMs: 400 });
});

Deno.test("what is on the console already when the watch begins is not this phase's", async () => {
  await using it = await smallMachine();
  await it.serial("Kernel panic - not syncing: of yesterday\r\n");
  await using watch = await watchMachine({
    phase: "script",
    machine: it.machine,
    serialLog: it.workspace.files.serialLog,
    stallMs: 300,
    deadlineMs: 60_000,
    intervalMs: 50,
  });
  watch.see({ script: { name: "web", last: [] } });
  await fails(watch, "script-hung");
  equal(watch.evidence().serial.seen, false);
});

Deno.test("lines and unfinished lines of the console are signs of progress, the clock of a status bar is none", async () => {
  await watched("install", async (watch, { serial }) => {
    await serial("Loading components ... 1%");
    for (let percent = 2; percent < 12; percent++) {
      await sleep(100);
      await serial(`... ${percent}%`);
    }
    const spoken = watch.evidence();
    ok(spoken.quietMs < spoken.elapsedMs / 2, `${spoken.quietMs} of ${spoken.elapsedMs}`);
    for (let minute = 10; minute < 20; minute++) {
      await sleep(100);
      await serial(`\x1b[H[  (1*installer)  2 shell ][ Nov 23  6:${minute} ]\r\n\x1b[3B`);
    }
    const barred = watch.evidence();
    // Nothing since the bar began to change counts, but for what was on its way then.
    ok(
      barred.quietMs > (barred.elapsedMs - spoken.elapsedMs) / 2,
      `${barred.quietMs} of ${barred.elapsedMs}`,
    );
  });
});

Deno.test("a machine that has said nothing yet is given a minute", async () => {
  await watched("install", async (watch, { serial }) => {
    await sleep(600);
    equal(await Promise.race([watch.failed.catch(() => "failed"), sleep(1).then(() => "waits")]), "waits");
    const failed = fails(watch, "answers-never-fetched");
    watch.see({
      install: { answerFile: "/preseed.cfg", fetched: [], refused: [], logLines: 0, lastLogLines: [] },
    });
    await serial("[    0.0] Linux version 6.1\r\n");
    await failed;
  }, { stallMs: 300 });
});

Deno.test("the deadline ends it, however busy it is", async () => {
  await watched("script", async (watch) => {
    const busy = setInterval(() => watch.see({}), 50);
    await fails(watch, "script-timeout");
    clearInterval(busy);
  }, { deadlineMs: 500 });
});

Deno.test("a QEMU that was ended by a signal is no good end, though it ends in good order", async () => {
  await watched("install", async (watch, { machine }) => {
    Deno.kill(machine.pid, "SIGTERM");
    const { code } = await machine.ended;
    equal(code, 0);
    await watch.finish();
    equal((await watch.conclude("ended"))?.reason.code, "qemu-died");
  });
});
