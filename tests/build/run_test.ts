import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import type { TimedEvent } from "../../lib/build/events/events.ts";
import { whileRunning } from "../../lib/build/machine.ts";
import { BuildError, runBuild, type RunOptions } from "../../lib/build/run.ts";
import { listBuildFolders } from "../../lib/build/workspace.ts";
import { planBuild } from "../../lib/build/plan.ts";
import { CancelledError } from "../../lib/errors.ts";
import { configureLog } from "../../lib/log.ts";
import { buildsDir } from "../../lib/paths.ts";
import { MachineDiedError, startMachine } from "../../lib/qemu/machine.ts";
import { SshError } from "../../lib/ssh/errors.ts";
import { type Places, places } from "./places.ts";
import { hostReady, makeIso, smallConfig } from "./states.ts";

configureLog({ write: () => {} });

/** A build of an ISO that is no installer: it fails in its third step. */
async function build(place: Places, more: Partial<RunOptions> = {}): Promise<readonly TimedEvent[]> {
  await makeIso(place, { "readme": "x" });
  const plan = await planBuild(await place.config(), { profile: "web", architecture: "amd64" });
  const events: TimedEvent[] = [];
  await runBuild(plan, {
    signal: new AbortController().signal,
    onEvent: (event) => events.push(event),
    keepDisk: () => false,
    ...more,
  });
  return events;
}

Deno.test("a build that fails before a machine has run names its step and leaves nothing", async () => {
  await using place = await places(smallConfig('build: { diskSize: "1M" }'));
  await rejects(build(place, { keepDisk: () => true }), (error) => {
    ok(error instanceof BuildError, String(error));
    deepEqual([error.step, error.exitCode, error.left], ["extract kernel", 2, undefined]);
    return true;
  });
  deepEqual(await listBuildFolders(place.paths), []);
});

for (const keep of [false, true]) {
  Deno.test(`a build that fails later leaves its logs${keep ? ", and its disk on request" : ""}`, async () => {
    await using place = await places(smallConfig('build: { diskSize: "1M" }'));
    const events: TimedEvent[] = [];
    const asked: BuildError[] = [];
    await rejects(
      build(place, {
        onEvent(event) {
          events.push(event);
          // What a machine leaves when it has run.
          if (event.type === "build-started") {
            Deno.writeTextFileSync(`${buildsDir(place.paths)}/${event.build}/serial.log`, "console");
          }
        },
        keepDisk(error) {
          asked.push(error);
          const folder = error.left?.folder;
          Deno.writeTextFileSync(`${folder}/disk.qcow2`, "disk");
          return keep;
        },
      }),
      (error) => {
        ok(error instanceof BuildError, String(error));
        deepEqual([error.step, error.exitCode], ["extract kernel", 2]);
        equal(asked.length, 1);
        equal(asked[0]?.message, error.message);
        match(error.message, /^The build failed in step extract kernel: .*is not an installer/);
        match(
          error.hint ?? "",
          keep
            ? /\n {6}Its disk and logs are in \/.*\/builds\/web-amd64-\d{8}T\d{6}Z; run that disk as a VM with: pim build debug$/
            : /\n {6}Its logs are in \/.*\/builds\/web-amd64-\d{8}T\d{6}Z; --on-error keep would/,
        );
        return true;
      },
    );
    deepEqual(events.map(({ type }) => type).filter((type) => type !== "progress"), [
      "build-started",
      "step-started",
      "step-finished",
      "step-started",
      "step-finished",
      "step-started",
      "build-failed",
    ]);
    const [folder] = await listBuildFolders(place.paths);
    ok(folder);
    deepEqual([folder.running, folder.hasDisk], [false, keep]);
    match(await Deno.readTextFile(folder.files.buildLog), /failed in step extract kernel: /);
    const reason = JSON.parse(await Deno.readTextFile(folder.files.reason));
    deepEqual([reason.code, reason.step, reason.exitCode], ["failed", "extract kernel", 2]);
    match(reason.summary, /is not an installer/);
  });
}

Deno.test("a build that is cancelled leaves nothing, at whichever step", async () => {
  for (const when of ["check host", "ensure ISO", "extract kernel"]) {
    await using place = await places(smallConfig('build: { diskSize: "1M" }'));
    const controller = new AbortController();
    const events: TimedEvent[] = [];
    const onEvent = (event: TimedEvent) => {
      events.push(event);
      if (event.type === "step-started" && event.step === when) controller.abort(new CancelledError());
    };
    await rejects(build(place, { signal: controller.signal, onEvent, keepDisk: () => true }), CancelledError);
    const last = events.at(-1);
    ok(last?.type === "build-failed");
    deepEqual([last.step, last.exitCode, last.folder], [when, 130, undefined]);
    deepEqual([...Deno.readDirSync(buildsDir(place.paths))], []);
  }
});

Deno.test("when QEMU dies its last words are the error, not the connection that was lost with it", async () => {
  await using place = await places(smallConfig());
  await using state = await hostReady(place);
  const { runtime, files } = state.workspace;
  await using machine = await startMachine(state.host, {
    name: state.plan.name,
    memoryMiB: 64,
    cpus: 1,
    disks: [],
    serial: { socket: runtime.serial, log: files.serialLog },
    qmpSocket: runtime.qmp,
    extraArgs: ["-S"],
  });
  const { signal } = new AbortController();
  const own = new Error("its own");
  await rejects(whileRunning(machine, "it", signal, () => Promise.reject(own)), (error) => error === own);
  equal(await whileRunning(machine, "it", signal, () => Promise.resolve(42)), 42);
  const dies = (work: () => Promise<unknown>) =>
    rejects(
      whileRunning(machine, "it", signal, work),
      (error) => error instanceof MachineDiedError && /QEMU of it was ended by SIGKILL/.test(error.message),
    );
  await dies(async () => {
    // What would let the guest go on cannot be said either.
    await using _guest = { [Symbol.asyncDispose]: () => Promise.reject(new Error("no agent")) };
    Deno.kill(machine.pid, "SIGKILL");
    await machine.qmp.execute("query-status");
  });
  await dies(() => Promise.reject(new SshError("lost", "the SSH connection was lost")));
});
