import assert from "node:assert/strict";
import { listVms } from "../../../lib/vm/vms.ts";
import { smallArgs, type SmallVms, smallVms } from "../../vm/small_vms.ts";

interface Listed {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
}

/** Runs pim and kills it as soon as it has done so much to the files of VMs; says whether it came to its end before. */
async function killAfter(vms: SmallVms, changes: number, args: readonly string[]): Promise<boolean> {
  using watcher = Deno.watchFs([vms.places.vmsDir, vms.places.runtimeDir], { recursive: true });
  const pim = vms.startPim(args);
  let killed = false;
  const watching = (async () => {
    let seen = 0;
    for await (const { kind } of watcher) {
      if (kind === "access" || ++seen < changes) continue;
      killed = true;
      try {
        pim.kill("SIGKILL");
      } catch {
        // It came to its end just now.
      }
      return;
    }
  })();
  const { code } = await pim.result;
  if (!killed) watcher.close();
  await watching;
  return code === 0;
}

async function list(vms: SmallVms, name: string): Promise<Listed | undefined> {
  const ps = await vms.pim("ps", "-a", "--json");
  assert.equal(ps.code, 0, ps.stderr);
  return (JSON.parse(ps.stdout) as Listed[]).find((each) => each.name === name);
}

/** What `ps` says after pim was killed; it must be true, and the VM must be one to start, stop and remove. */
async function check(vms: SmallVms, name: string, args: readonly string[], where: string): Promise<string> {
  // A QEMU that pim told to quit before it was killed may end at any time.
  const before = await vms.qemus();
  const vm = await list(vms, name);
  const after = await vms.qemus();
  assert([before, after].some((running) => running.get(name) === vm?.pid), where);
  assert.equal(vm === undefined || vm.state === "stopped", vm?.pid === undefined, where);
  const again = await vms.pim(...args);
  const refused = vm?.pid !== undefined && /is running already/.test(again.stderr);
  assert(again.code === 0 || refused, `${where}: ${again.stderr}`);
  if (!refused) assert.equal((await vms.qemus()).size, 1, where);
  const stop = await vms.pim("stop", "--force", name);
  assert.equal(stop.code, 0, `${where}: ${stop.stderr}`);
  assert.deepEqual(await vms.qemus(), new Map(), where);
  return vm === undefined ? "nothing" : vm.pid === undefined ? "stopped" : "running";
}

interface Case {
  /** What is done before, and what pim is killed in; "demo" is the VM's name, "run" starts it. */
  readonly before: readonly (readonly string[])[];
  readonly killedIn: readonly string[];
  readonly disk: "overlay" | "snapshot";
  /** What there may be of the VM afterwards, depending on the moment. */
  readonly kinds: readonly string[];
}

const cases: readonly Case[] = [
  { before: [], killedIn: ["run"], disk: "overlay", kinds: ["nothing", "running", "stopped"] },
  { before: [], killedIn: ["run"], disk: "snapshot", kinds: ["nothing", "running"] },
  // Over a VM that is kept: whatever happens, there is one afterwards.
  {
    before: [["run"], ["stop", "--force", "demo"]],
    killedIn: ["run", "--fresh"],
    disk: "overlay",
    kinds: ["running", "stopped"],
  },
  {
    before: [["run"]],
    killedIn: ["restart", "--force", "demo"],
    disk: "overlay",
    kinds: ["running", "stopped"],
  },
  {
    before: [["run"]],
    killedIn: ["restart", "--force", "demo"],
    disk: "snapshot",
    kinds: ["nothing", "running"],
  },
  {
    before: [["run"]],
    killedIn: ["rm", "--force", "demo"],
    disk: "overlay",
    kinds: ["nothing", "running", "stopped"],
  },
];

// Not after each change, which takes minutes: others with every run of the tests.
const step = 5;

for (const { before, killedIn, disk, kinds } of cases) {
  const what = `pim ${killedIn.join(" ")} (${disk}${
    before.length === 0 ? "" : `, after ${before.join("; ")}`
  })`;
  Deno.test(`wherever ${what} is killed, ps tells the truth and the VM can be used`, async () => {
    await using vms = await smallVms();
    await Deno.mkdir(vms.places.vmsDir, { recursive: true });
    const run = ["run", vms.image, "--name", "demo", "--disk", disk, ...smallArgs];
    const argv = ([command = "", ...rest]: readonly string[]) =>
      command === "run" ? [...run, ...rest] : [command, ...rest];
    const seen = new Set<string>();
    // More than once where the machine is so busy that a short command has ended before it is killed.
    for (let round = 0; round < 5 && seen.size < 2; round++) {
      let whole = false;
      for (let changes = 1 + Math.floor(Math.random() * step); !whole; changes += step) {
        for (const each of before) assert.equal((await vms.pim(...argv(each))).code, 0);
        whole = await killAfter(vms, changes, argv(killedIn));
        seen.add(await check(vms, "demo", run, `${what}, killed after ${changes} changes`));
        assert.equal((await vms.pim("rm", "demo")).code, disk === "snapshot" ? 2 : 0);
      }
    }
    assert([...seen].every((kind) => kinds.includes(kind)), `${[...seen]}`);
    assert(seen.size > 1, `there was only: ${[...seen]}`);
    assert.deepEqual(await listVms(vms.places), []);
    for (const folder of [vms.places.vmsDir, vms.places.runtimeDir]) {
      const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
      assert.deepEqual(left.filter((name) => name !== "locks"), [], folder);
    }
  });
}
