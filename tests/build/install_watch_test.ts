import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type InstallWatch, watchInstall } from "../../lib/build/install_watch.ts";
import { openSyslog } from "../../lib/build/syslog.ts";
import { exitCode, PimError } from "../../lib/errors.ts";
import { debian } from "../../lib/installer/debian.ts";
import { type SeedServer, startSeedServer } from "../../lib/serve/server.ts";
import { sendSyslog } from "./send_syslog.ts";

interface Scene {
  readonly watch: InstallWatch;
  readonly seed: SeedServer;
  readonly told: readonly string[];
  /** Writes to the serial console. */
  serial(text: string): Promise<void>;
  syslog(...messages: readonly string[]): Promise<void>;
  fetch(path: string): Promise<void>;
  /** Waits until the last thing told is this. */
  until(text: string): Promise<void>;
}

/** A watched installer that is played by the test, over a real log, seed server and syslog port. */
async function watched(test: (scene: Scene) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "pim-watch-" });
  const serialLog = join(dir, "serial.log");
  const told: string[] = [];
  try {
    await using syslog = await openSyslog();
    await using seed = await startSeedServer({
      prefix: "/secret",
      answer: (path) =>
        ["/preseed.cfg", "/install.sh"].includes(path)
          ? { contentType: "text/plain", body: "answer" }
          : undefined,
    });
    await using watch = watchInstall({
      installer: debian,
      seed,
      syslog,
      serialLog,
      progress: (text) => told.push(text),
    });
    await test({
      watch,
      seed,
      told,
      serial: (text) => Deno.writeTextFile(serialLog, text, { append: true }),
      syslog: (...messages) => sendSyslog(syslog.port, ...messages),
      fetch: async (path) => void await (await fetch(`${seed.baseUrl()}${path}`)).text(),
      async until(text) {
        while (told.at(-1) !== text) await sleep(5);
      },
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const menuItem = (name: string) => `<14>Nov 23 00:31:54 main-menu[300]: INFO: Menu item '${name}' selected`;

Deno.test("each stage of an installation is told, and named when it is asked how far it came", async () => {
  await watched(async ({ watch, told, serial, syslog, fetch, until }) => {
    equal(watch.reached(), "nothing came from the serial console");
    await serial("[    0.000000] Linux version 6.1.0\r\n");
    while (watch.reached().startsWith("nothing")) await sleep(20);
    equal(watch.reached(), "the kernel started, but /preseed.cfg was not fetched");
    await fetch("/wrong.cfg");
    equal(watch.reached(), "the kernel started, but /preseed.cfg was not fetched");
    await fetch("/preseed.cfg");
    equal(watch.reached(), "/preseed.cfg was fetched");
    await syslog(menuItem("partman-base"));
    await until("partitioning");
    equal(watch.reached(), "the installer was at: partitioning");
    await syslog(menuItem("partman-base"), "<30>Nov 23 00:31:55 in-target: Setting up vim (2:9.0) ...");
    await until("setting up vim");
    await fetch("/install.sh");
    equal(watch.reached(), "the late command was fetched");
    deepEqual(told, [
      "GET /wrong.cfg: 404",
      "/preseed.cfg was fetched",
      "partitioning",
      "setting up vim",
      "/install.sh was fetched",
    ]);
    await watch.finish();
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
    ok(performance.now() - said < 2000);
  });
});

Deno.test("a stop sign in the installer's log and a kernel panic count too", async () => {
  await watched(async ({ watch, syslog }) => {
    const failed = rejects(watch.failed, /the late command failed/);
    await syslog("<13>Nov 23 00:31:54 pim: late command failed");
    // The tag of a message is not what counts: this one has it in its text.
    await syslog("<13>Nov 23 00:31:54 log-output: pim: late command failed");
    await failed;
  });
  await watched(async ({ watch, serial }) => {
    const failed = rejects(
      watch.failed,
      /the kernel gave up: .*Kernel panic - not syncing: VFS.*was not fetched\)/,
    );
    await serial("[    1.2] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n");
    await failed;
  });
});

Deno.test("what stood on the console when the machine ended is read before the installation counts as done", async () => {
  await watched(async ({ watch, serial, fetch }) => {
    await fetch("/preseed.cfg");
    await serial("pim: late command failed\r\nreboot: Restarting system\r\n");
    await rejects(watch.finish(), /The installation failed: the late command failed/);
  });
});

Deno.test("a machine that ends without having fetched its answers has installed nothing", async () => {
  await watched(async ({ watch, serial }) => {
    await serial("No bootable device.\r\n");
    await rejects(
      watch.finish(),
      /the installer ended without its answers \(the kernel started, but \/preseed\.cfg was not fetched\)/,
    );
  });
});

Deno.test("a watch that is over no longer tells of requests", async () => {
  await watched(async ({ watch, seed, told, fetch }) => {
    await watch[Symbol.asyncDispose]();
    await fetch("/preseed.cfg");
    equal(seed.requests.length, 1);
    deepEqual(told, []);
  });
});
