import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeIfThere } from "../../lib/files.ts";
import { filesOfVm, runtimeFiles } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { convertImage } from "../../lib/qemu/img.ts";
import { readRunRecord, type RunRecord } from "../../lib/vm/run_record.ts";
import { demoImage } from "../e2e/demo_image.ts";
import { benchFolder } from "./facts.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { startPlain } from "./plain_qemu.ts";
import { pimCommand, pimEnvironment } from "./pim_command.ts";
import { measureList } from "./vm_list.ts";

const name = "guest";
const askRounds = 61;
const startRounds = 3;

/** `pim ps` with many VMs; `pim run --wait ssh` and `pim ip` with the demo image. */
export async function measureVms(pairs: number, say: (line: string) => void): Promise<Measurement[]> {
  return [await measureList(say), ...await measureGuest(Math.max(pairs, startRounds), say)];
}

/** Folders of pim's own, with the demo image. */
interface Home extends AsyncDisposable {
  readonly path: string;
  /** Runs pim to its end; throws when it fails. */
  pim(...args: readonly string[]): Promise<string>;
  /** What was started last. */
  record(): Promise<RunRecord>;
}

async function vmHome(): Promise<Home> {
  const demo = await demoImage();
  await Deno.mkdir(benchFolder(), { recursive: true });
  const home = await Deno.makeTempDir({ dir: benchFolder(), prefix: "vm-" });
  // A socket's path must be short.
  const runtimeDir = await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-b-" });
  const env = {
    ...pimEnvironment(home),
    PIM_RUNTIME_DIR: runtimeDir,
    PIM_BUILD_IMAGE_DIR: demo.imageDir,
    PIM_BUILD_MEMORY: "1024",
  };
  await Deno.mkdir(join(home, "data"));
  const registry = join(demo.env.PIM_DATA_DIR ?? "", "registry.yml");
  await Deno.copyFile(registry, join(home, "data", "registry.yml"));
  const pim: Home["pim"] = async (...args) =>
    (await run([...pimCommand(), ...args], { cwd: home, env })).stdout;
  return {
    path: home,
    pim,
    async record() {
      const record = await readRunRecord(runtimeFiles(runtimeDir, name).json);
      if (record === undefined) throw new Error(`${name} left no record`);
      return record;
    },
    async [Symbol.asyncDispose]() {
      await pim("stop", "--all", "--force");
      for (const folder of [home, runtimeDir]) await removeIfThere(folder);
    },
  };
}

/** The demo image as it is after its first start, which makes SSH host keys and takes the longer the worse its luck. */
async function bootOnce(home: Home, whileRunning: () => Promise<void>): Promise<string> {
  await home.pim("run", "demo", "--name", name, "--wait", "ssh", "--timeout", "600");
  await whileRunning();
  const { dir } = await home.record();
  await home.pim("stop", name);
  const image = join(home.path, "booted.qcow2");
  const copy = { source: filesOfVm(dir).disk, target: image, format: "qcow2" } as const;
  await convertImage(copy, { qemuImg: "qemu-img" });
  await home.pim("rm", name);
  return image;
}

async function measureGuest(rounds: number, say: (line: string) => void): Promise<Measurement[]> {
  await using home = await vmHome();
  say("starting the demo image, and asking it for its addresses");
  let asked: readonly number[] = [];
  const image = await bootOnce(home, async () => {
    await home.pim("ip", name, "--wait");
    // While it still starts, a guest has other things to do than to answer.
    await home.pim("exec", name, "--", "sh", "-c", "systemctl is-system-running --wait; sleep 5");
    const ask = async () => {
      // With nobody connected, the agent looks every 100 ms whether somebody is: any moment is as likely as another.
      await sleep(100 + 100 * Math.random());
      return await timeMs(() => home.pim("ip", name));
    };
    await interleave(3, [ask]);
    asked = (await interleave(askRounds, [ask])).flat();
  });
  const withPim = async () => {
    const argv = ["run", image, "--name", name, "--disk", "snapshot", "--wait", "ssh", "--timeout", "600"];
    const seconds = await timeMs(() => home.pim(...argv)) / 1000;
    say(`pim started the demo image in ${seconds.toFixed(1)} s`);
    const record = await home.record();
    await home.pim("stop", "--force", name);
    return { seconds, record };
  };
  // Fills the caches, so that the first start below is like the others.
  const { record } = await withPim();
  const alone = async () => {
    await using started = await startPlain(record);
    say(`QEMU alone started it in ${started.seconds.toFixed(1)} s`);
    return started.seconds;
  };
  const [pim = [], plain = []] = await interleave(rounds, [async () => (await withPim()).seconds, alone]);
  return [
    {
      name: "ip",
      what: "pim ip of a running guest",
      unit: "ms",
      pim: median(asked),
      baseline: { name: "of sleep in the shell recipe", value: 1000 },
      aim: 100,
      aimOf: "number",
      runs: askRounds,
    },
    {
      name: "run",
      what: "pim run --wait ssh of the demo image",
      unit: "s",
      pim: median(pim),
      baseline: { name: "QEMU alone", value: median(plain) },
      aim: 1.05,
      runs: rounds,
    },
  ];
}
