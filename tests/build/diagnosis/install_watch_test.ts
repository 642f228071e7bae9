import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { followInstaller } from "../../../lib/build/diagnosis/install_watch.ts";
import { type Watch, watchMachine } from "../../../lib/build/diagnosis/watch.ts";
import { reached } from "../../../lib/build/diagnosis/wording.ts";
import { openSyslog } from "../../../lib/build/diagnosis/syslog.ts";
import { exitCode, PimError } from "../../../lib/errors.ts";
import { debian } from "../../../lib/installer/debian.ts";
import { type SeedServer, startSeedServer } from "../../../lib/serve/server.ts";
import { sendSyslog } from "./send_syslog.ts";
import { smallMachine } from "./small_machine.ts";

interface Scene {
  readonly watch: Watch;
  readonly seed: SeedServer;
  readonly told: readonly string[];
  readonly reached: () => string;
  serial(text: string): Promise<void>;
  syslog(...messages: readonly string[]): Promise<void>;
  fetch(path: string): Promise<void>;
  /** Waits until the last thing told is this. */
  until(text: string): Promise<void>;
  /** Ends the listening. */
  end(): void;
}

/** A watched installer that is played by the test, over a real log, seed server and syslog port. */
async function watched(test: (scene: Scene) => Promise<void>): Promise<void> {
  await using it = await smallMachine();
  const told: string[] = [];
  await using syslog = await openSyslog();
  await using seed = await startSeedServer({
    prefix: "/secret",
    answer: (path) =>
      ["/preseed.cfg", "/install.sh"].includes(path)
        ? { contentType: "text/plain", body: "answer" }
        : undefined,
  });
  using follower = followInstaller({
    installer: debian,
    seed,
    syslog,
    progress: (text) => void told.push(text),
  });
  await using watch = await watchMachine({
    phase: "install",
    machine: it.machine,
    serialLog: it.workspace.files.serialLog,
    stallMs: 60_000,
    deadlineMs: 60_000,
    stopSigns: debian.stopSigns,
    onLine: follower.console,
    intervalMs: 50,
  });
  follower.follow(watch);
  await test({
    watch,
    seed,
    told,
    reached: () => reached(watch.evidence()),
    serial: it.serial,
    syslog: (...messages) => sendSyslog(syslog.port, ...messages),
    fetch: async (path) => void await (await fetch(`${seed.baseUrl()}${path}`)).text(),
    async until(text) {
      while (told.at(-1) !== text) await sleep(5);
    },
    end: () => follower[Symbol.dispose](),
  });
}

const menuItem = (name: string) => `<14>Nov 23 00:31:54 main-menu[300]: INFO: Menu item '${name}' selected`;

Deno.test("each stage of an installation is told, and named when it is asked how far it came", async () => {
  await watched(async ({ told, serial, syslog, fetch, until, reached, watch }) => {
    equal(reached(), "nothing came from the serial console");
    await serial("[    0.000000] Linux version 6.1.0\r\n");
    while (reached().startsWith("nothing")) await sleep(20);
    equal(reached(), "the kernel started, but /preseed.cfg was not fetched");
    await fetch("/wrong.cfg");
    equal(reached(), "the kernel started, but /preseed.cfg was not fetched");
    await fetch("/preseed.cfg");
    equal(reached(), "/preseed.cfg was fetched");
    await syslog(menuItem("partman-base"));
    await until("partitioning");
    equal(reached(), "the installer was at: partitioning");
    await syslog(menuItem("partman-base"), "<30>Nov 23 00:31:55 in-target: Setting up vim (2:9.0) ...");
    await until("setting up vim");
    await fetch("/install.sh");
    equal(reached(), "the late command was fetched");
    deepEqual(told, [
      "GET /wrong.cfg: 404",
      "/preseed.cfg was fetched",
      "partitioning",
      "setting up vim",
      "/install.sh was fetched",
    ]);
    const { install } = watch.evidence();
    deepEqual([install?.fetched, install?.refused, install?.logLines], [
      ["/preseed.cfg", "/install.sh"],
      ["GET /wrong.cfg: 404"],
      3,
    ]);
    match(install?.lastLogLines.at(-1) ?? "", /Setting up vim/);
  });
});

Deno.test("an installer that says it cannot go on is a failure at once, with the console's last words", async () => {
  await watched(async ({ watch, serial, fetch }) => {
    await fetch("/preseed.cfg");
    const said = performance.now();
    const failed = rejects(watch.failed, (error) => {
      ok(error instanceof PimError);
      equal(error.exitCode, exitCode.timeout);
      match(
        error.message,
        /^The installation failed: the late command failed: pim: late command failed \(\/preseed\.cfg was fetched\)\n/,
      );
      match(
        error.message,
        /The last lines of its console:\n {2}\| wget: 404\n {2}\| pim: late command failed$/,
      );
      match(error.hint ?? "", /--console/);
      return true;
    });
    await serial("\x1b[1mwget: 404\x1b[0m\r\npim: late command failed\r\n");
    await failed;
    ok(performance.now() - said < 20_000);
  });
});

Deno.test("a stop sign in the installer's log counts too", async () => {
  await watched(async ({ watch, syslog }) => {
    const failed = rejects(watch.failed, /the late command failed/);
    await syslog("<13>Nov 23 00:31:54 pim: late command failed");
    await failed;
  });
});

Deno.test("what stood on the console when the machine ended is read before the installation counts as done", async () => {
  await watched(async ({ watch, serial, fetch }) => {
    await fetch("/preseed.cfg");
    await serial("pim: late command failed\r\nreboot: Restarting system\r\n");
    await watch.finish();
    match(
      (await watch.conclude("ended"))?.message ?? "",
      /^The installation failed: the late command failed/,
    );
  });
});

Deno.test("a machine that ends without having fetched its answers has installed nothing", async () => {
  await watched(async ({ watch, serial }) => {
    await serial("No bootable device.\r\n");
    await watch.finish();
    match(
      (await watch.conclude("ended"))?.message ?? "",
      /the installer ended without its answers \(the kernel started, but \/preseed\.cfg was not fetched\)/,
    );
  });
});

Deno.test("listening that is over no longer tells of requests", async () => {
  await watched(async ({ end, seed, told, fetch }) => {
    end();
    await fetch("/preseed.cfg");
    equal(seed.requests.length, 1);
    deepEqual(told, []);
  });
});
