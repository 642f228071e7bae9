import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { resolveProfile } from "../../../lib/profile/resolved.ts";
import { sizeOfPng } from "../../../lib/vm/screenshot/png.ts";
import { tempDir } from "../../base/temp.ts";
import { demoIso } from "../../demo/make_iso.ts";
import { writeDemoProject } from "../../demo/project.ts";
import { type PimResult, startPim } from "../pim.ts";
import { overLayers } from "./over_layers.ts";
import { bundleOf, type FailureBundle } from "./failure_bundle.ts";
import { pimDirs } from "../../base/pim_dirs.ts";

interface Place {
  readonly env: Readonly<Record<string, string>>;
  readonly project: string;
  readonly runtimeDir: string;
  readonly buildsDir: string;
}

/** A copy of the demo's project in a place of its own, with more files in it. */
async function inPlace(
  files: Readonly<Record<string, string>>,
  test: (place: Place) => Promise<void>,
): Promise<void> {
  await using temp = await tempDir();
  const dir = temp.path;
  const project = join(dir, "project");
  await writeDemoProject(project, await demoIso());
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(project, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(project, name), text);
  }
  const env = {
    ...pimDirs(dir),
  };
  await test({
    env,
    project,
    runtimeDir: env.PIM_RUNTIME_DIR,
    buildsDir: join(env.PIM_CACHE_DIR, "builds"),
  });
}

const names = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name);

/** Runs a build and calls `act` once, when its output first matches. */
function build(
  { env, project }: Place,
  args: readonly string[],
  when?: RegExp,
  act?: (run: { readonly kill: (signal: Deno.Signal) => void; readonly line: string }) => void,
): Promise<PimResult> {
  let acted = false;
  const run = startPim(["--project", project, "build", "run", ...args], {
    env,
    onLine(line) {
      if (acted || when === undefined || !when.test(line)) return;
      acted = true;
      act?.({ kill: run.kill, line });
    },
  });
  return run.result;
}

const quick = (build: string, more = "") =>
  `import demo from "./demo.ts";\nexport default { ...demo, ${more} build: { ...demo.build, ${build} } };\n`;

// However fast the machine is, the installation takes longer than it may.
const sleeps = 'answers: ["d-i preseed/early_command string sleep 600"],';

Deno.test("Ctrl-C during the installation ends everything, leaves nothing and exits with 130", async () => {
  await inPlace({}, async (place) => {
    let qemu = 0;
    const result = await build(place, ["demo", "--debug"], /-kernel .* -append/, ({ kill }) => {
      setTimeout(() => {
        qemu = qemuPid(place.buildsDir);
        kill("SIGINT");
      }, 3000);
    });
    strictEqual(result.code, 130, result.stderr);
    match(result.stderr, /cancelled/);
    ok(qemu > 0, "QEMU was running");
    ok(!isAlive(qemu), "QEMU is gone");
    deepStrictEqual(names(place.buildsDir), []);
    deepStrictEqual(names(place.runtimeDir), []);
  });
});

Deno.test("a QEMU that is killed ends the build, and that is what is told", async () => {
  await inPlace({}, async (place) => {
    const result = await build(place, ["demo", "--debug"], /-kernel .* -append/, () => {
      setTimeout(() => {
        const qemu = qemuPid(place.buildsDir);
        // 0 stands for this process and all of its group.
        if (qemu > 0) Deno.kill(qemu, "SIGKILL");
      }, 3000);
    });
    strictEqual(result.code, 1, result.stderr);
    match(result.stderr, /failed in step install: QEMU .* was ended by SIGKILL/);
    match(result.stderr, /Its logs are in /);
    const bundle = await bundleOf(place.buildsDir);
    strictEqual(bundle.reason.code, "qemu-died");
    strictEqual(bundle.reason.evidence?.qemu.ended?.signal, "SIGKILL");
    ok(bundle.files.includes("serial.log") && bundle.files.includes("build.log"), String(bundle.files));
    ok(!bundle.files.includes("disk.qcow2") && !bundle.files.includes("build-key"), String(bundle.files));
  });
});

Deno.test("an installation that takes too long exits with 6", async () => {
  await inPlace({ "profiles.d/slow.ts": quick("installTimeoutMinutes: 0.25", sleeps) }, async (place) => {
    const result = await build(place, ["slow"]);
    strictEqual(result.code, 6, result.stderr);
    match(result.stderr, /it was not done within 0.25 minutes/);
    strictEqual((await bundleOf(place.buildsDir)).reason.code, "install-timeout");
  });
});

Deno.test("an installer that cannot go on is noticed long before the deadline, and its console is shown", async () => {
  await inPlace({
    "profiles.d/lost.ts": 'export { default } from "./demo.ts";\n',
    // Nobody listens there: the installer shows an error dialog and waits for a person.
    "preseeds.d/lost.cfg": "d-i preseed/include string http://10.0.2.2:9/nothing.cfg\n",
  }, async (place) => {
    const result = await build(place, ["lost"]);
    strictEqual(result.code, 6, result.stderr);
    match(result.stderr, /The installation failed: an error dialog under "Download debconf preconf/);
    match(result.stderr, /The last lines of its console:\n {2}\| /);
    match(result.stderr, /could not be retrieved from http:\/\/10\.0\.2\.2:9\/nothing\.cfg/);
    strictEqual((await bundleOf(place.buildsDir)).reason.code, "installer-error");
  });
});

Deno.test("a preseed that leaves out an answer: the question is named, and everything to see it by is kept", async () => {
  await inPlace({
    "profiles.d/asks.ts": 'export { default } from "./demo.ts";\n',
    "preseeds.d/asks.cfg": "d-i netcfg/choose_interface select auto\nd-i passwd/username string ann\n" +
      "d-i passwd/user-password password s3cret-word\n",
  }, async (place) => {
    const result = await build(place, ["asks", "--json"]);
    strictEqual(result.code, 6, result.stderr);
    const bundle = await bundleOf(place.buildsDir);
    strictEqual(bundle.reason.code, "installer-question");
    strictEqual(bundle.reason.step, "install");
    match(bundle.reason.summary, /"Language" under "Select a language"/);
    match(bundle.reason.hint ?? "", /d-i debian-installer\/locale string/);
    const failed = result.stdout.trim().split("\n").map((line) => JSON.parse(line)).at(-1);
    deepStrictEqual([failed.type, failed.code, failed.exitCode], ["build-failed", "installer-question", 6]);
    await isWhole(bundle);
    match(await bundle.text("installer.log"), /Menu item 'localechooser' selected/);
    match(await bundle.text("seed.log"), /^\S+ 127\.0\.0\.1 GET \/preseed\.cfg 200 /);
    match(await bundle.text("answers/preseed.cfg"), /passwd\/user-password password \*\*\*\n/);
    match(
      await bundle.text("argv"),
      /^# install\n\S*qemu-system-x86_64 .* url=http:\/\/10\.0\.2\.2:\d+\/\*\*\*\/preseed/,
    );
  });
});

Deno.test("a kernel that panics is noticed at once, and its last words are the reason", async () => {
  await inPlace({ "profiles.d/dies.ts": quick('kernelArgs: ["rdinit=/nowhere"]') }, async (place) => {
    const result = await build(place, ["dies", "--on-error", "keep"]);
    strictEqual(result.code, 6, result.stderr);
    const bundle = await bundleOf(place.buildsDir);
    strictEqual(bundle.reason.code, "kernel-panic");
    match(bundle.reason.summary, /Kernel panic - not syncing: VFS: Unable to mount root fs/);
    const { quietMs = Infinity } = bundle.reason.evidence ?? {};
    ok(
      quietMs < resolveProfile("dies", {}, "amd64").build.stallMinutes * 60_000,
      "before nothing moved for long",
    );
    await isWhole(bundle);
    // What it takes to look into the disk.
    ok(bundle.files.includes("disk.qcow2"));
    match(await bundle.text("build-key"), /^-----BEGIN OPENSSH PRIVATE KEY-----/);
  });
});

/** Everything is there by which a failure can be understood, and nothing in it is secret. */
async function isWhole(bundle: FailureBundle): Promise<void> {
  const wanted = [
    "answers",
    "argv",
    "build.log",
    "build.ndjson",
    "installer.log",
    "reason.json",
    "screenshot.png",
    "seed.log",
    "serial.log",
  ];
  deepStrictEqual(wanted.filter((name) => !bundle.files.includes(name)), []);
  ok(sizeOfPng(await Deno.readFile(join(bundle.dir, "screenshot.png"))), "a whole picture");
  for (const name of bundle.files.filter((name) => /\.(log|ndjson|json)$|^argv$|^answers\//.test(name))) {
    const text = await bundle.text(name);
    ok(!/s3cret-word|demo-Passw0rd|\$6\$|\$y\$|PRIVATE KEY/.test(text), name);
  }
}

Deno.test("a login by password works, and a script that fails exits with 7, its own status and last lines", async () => {
  await using place = await overLayers({
    // The system of a layer does not know this build's key: pim falls back on the password, for SSH and for sudo.
    "profiles.d/breaks.ts":
      'import demo from "./demo.ts";\nexport default { ...demo, scripts: ["breaks"] };\n',
    "scripts.d/breaks.sh": "#!/bin/sh\nid -un\necho the disk is on fire >&2\nexit 3\n",
  });
  const result = await place.pim(["build", "run", "breaks", "--on-error", "keep"]);
  strictEqual(result.code, 7, result.stderr);
  match(result.stderr, /logged in as demo with the password/);
  match(
    result.stderr,
    /The script breaks exited with 3\. Its last lines:\n {2}\| root\n {2}\| the disk is on fire/,
  );
  ok(!result.stderr.includes("demo-Passw0rd"), "the password is not told");
  const bundle = await bundleOf(place.buildsDir, "breaks");
  strictEqual(bundle.reason.code, "script-failed");
  ok(bundle.files.includes("disk.qcow2"), "the disk is kept");
  deepStrictEqual(names(place.runtimeDir), []);
  strictEqual((await place.pim(["build", "clean", "breaks"])).code, 0);
});

/** The QEMU that has the disk of the only build open. */
function qemuPid(buildsDir: string): number {
  const [folder] = names(buildsDir);
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const argv = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (argv.includes("qemu-system") && argv.includes(folder ?? "\n")) return Number(name);
    } catch {
      // It ended while we looked.
    }
  }
  return 0;
}

function isAlive(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}
