import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isLocked } from "../../../lib/files.ts";
import { runtimeFiles, runtimeLock } from "../../../lib/paths.ts";
import { which } from "../../../lib/process.ts";
import { burst, burstText, greeting, powerOff, writeEchoGuest } from "../../vm/echo_guest.ts";
import { openPty, type Pty } from "../../vm/pty.ts";
import { gone, type SmallVms, smallVms } from "../../vm/small_vms.ts";

const main = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const noScript = await which("script") === undefined;
const leave = "\x1d";

interface Trial extends AsyncDisposable {
  readonly vms: SmallVms;
  readonly image: string;
  /** Opens a terminal in which pim runs; how the terminal is set is printed before and after. */
  open(args: string): Pty;
}

/** Folders of pim's own with the disk of the guest that gives back what is typed. */
async function newTrial(): Promise<Trial> {
  const vms = await smallVms();
  const image = await writeEchoGuest(join(vms.dir, "echo.raw"));
  const pim = `${Deno.execPath()} run -A --quiet --no-check ${main}`;
  const env = { ...Deno.env.toObject(), ...vms.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
  const run = (args: string) => `sh -c 'echo pid=$$; exec ${pim} ${args}'`;
  return {
    vms,
    image,
    open: (args) =>
      openPty(`echo "set=$(stty -g)"; ${run(args)}; echo "exit=$?"; echo "set=$(stty -g)"`, env),
    [Symbol.asyncDispose]: () => vms[Symbol.asyncDispose](),
  };
}

/** Waits until pim has ended in a terminal, which has to be set as it was; returns the exit code. */
async function exitCodeIn(pty: Pty): Promise<number> {
  const [, code] = await pty.see(/exit=(\d+)\r\n/);
  await pty.ended;
  const [before, after, ...more] = [...pty.screen().matchAll(/set=(\S+)/g)].map(([, settings]) => settings);
  assert(before !== undefined && before.includes(":"), pty.screen());
  assert.deepEqual([after, more], [before, []]);
  return Number(code);
}

Deno.test({
  name: "in a terminal, keys and output pass as they are, Ctrl-] leaves, and the terminal is as before",
  ignore: noScript,
  async fn() {
    await using trial = await newTrial();
    const { vm } = await trial.vms.run("demo", { what: trial.image, qemuArgs: [] });
    await using pty = trial.open("console de");
    await pty.see(/Connected to demo; Ctrl-\] leaves\r\n/);
    await pty.see(new RegExp(greeting));
    // Ctrl-C, Ctrl-Z, Ctrl-S, Ctrl-V and both line ends are the guest's, and nothing is shown but what it gives back.
    const keys = "a\x03b\x1ac\x13d\x16e\rf\ng\x1b[A\x7f\xc3\xa4\xff.";
    await pty.type(keys);
    await pty.see(/\.$/);
    assert(pty.screen().endsWith(`${greeting}${keys}`), JSON.stringify(pty.screen()));
    await pty.type(leave);
    await pty.see(/\r\ndemo runs on; come back with: pim console demo\r\n/);
    assert.equal(await exitCodeIn(pty), 0);
    Deno.kill(vm.pid, "SIGCONT");
  },
});

Deno.test({
  name: "the terminal is as before when pim is told to end, and when QEMU is killed",
  ignore: noScript,
  async fn() {
    await using trial = await newTrial();
    const { vm } = await trial.vms.run("demo", { what: trial.image, qemuArgs: [] });
    for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) {
      await using pty = trial.open("console demo");
      const [, pid] = await pty.see(/pid=(\d+)/);
      await pty.see(/echo ready/);
      Deno.kill(Number(pid), signal);
      assert.equal(await exitCodeIn(pty), 130, signal);
    }
    await using pty = trial.open("console demo");
    await pty.see(/echo ready/);
    Deno.kill(vm.pid, "SIGKILL");
    await pty.see(/\nerror: demo: QEMU ended unexpectedly/);
    assert.equal(await exitCodeIn(pty), 1);
  },
});

Deno.test({
  name: "a terminal that is closed leaves the VM running and its console free",
  ignore: noScript,
  async fn() {
    await using trial = await newTrial();
    const { vm } = await trial.vms.run("demo", { what: trial.image, qemuArgs: [] });
    const pty = trial.open("console demo");
    const [, pid] = await pty.see(/pid=(\d+)/);
    await pty.see(/echo ready/);
    await pty[Symbol.asyncDispose]();
    await gone(Number(pid));
    Deno.kill(vm.pid, "SIGCONT");
    assert.equal(await isLocked(runtimeLock(trial.vms.places.runtimeDir, "console", "demo")), false);
  },
});

Deno.test({
  name: "pim run --console shows the guest from its first byte, leaves it running, and ends with it",
  ignore: noScript,
  async fn() {
    await using trial = await newTrial();
    const { runtimeDir } = trial.vms.places;
    await using first = trial.open(`run ${trial.image} --name demo --memory 64 --console`);
    await first.see(/Connected to demo; Ctrl-\] leaves\r\necho ready\r\n/);
    await first.type(burst.repeat(2));
    await first.see(/\n[^\n]*\n/);
    await first.type(leave);
    assert.equal(await exitCodeIn(first), 0);
    assert(first.screen().includes(`leaves\r\n${greeting}${burstText(2)}\rdemo runs on`));
    const pid = Number(await Deno.readTextFile(runtimeFiles(runtimeDir, "demo").pid));
    Deno.kill(pid, "SIGCONT");
    await using second = trial.open("console demo");
    await second.see(/Connected/);
    await second.type(powerOff);
    await second.see(/\ndemo has ended\r\n/);
    assert.equal(await exitCodeIn(second), 0);
    assert.deepEqual([...Deno.readDirSync(runtimeDir)].map(({ name }) => name), ["locks"], "nothing is left");
  },
});

Deno.test("without a terminal pim console says until when it goes on: not until its input ends", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  const lines: string[] = [];
  const attached = vms.startPim(["console", "demo"], {
    onLine: (line) => lines.push(line) === 1 && attached.kill("SIGINT"),
  });
  assert.equal((await attached.result).code, 130);
  assert.equal(lines[0], "Connected to demo; what it says is shown until it ends, or Ctrl-C");
});

Deno.test("pim run --console has neither JSON nor anything to wait for", async () => {
  await using vms = await smallVms();
  for (const flags of [["--json"], ["--wait", "ssh"]]) {
    const { code, stderr } = await vms.pim("run", vms.image, "--console", ...flags);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^error: --console and ${flags[0]} exclude each other\nhint: `));
  }
  assert.equal((await vms.qemus()).size, 0);
});
