import { join } from "node:path";
import { removeIfThere } from "../../lib/files.ts";
import { runtimeFiles } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { readRunRecord, type RunRecord } from "../../lib/vm/run_record.ts";
import { demoImage } from "../e2e/demo_image.ts";
import { benchFolder } from "./facts.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { startPlain } from "./plain_qemu.ts";
import { pimCommand, pimEnvironment } from "./pim_command.ts";
import { measureList } from "./vm_list.ts";

const name = "guest";
const askRounds = 31;
const startRounds = 3;

/** `pim ps` with many VMs; `pim run --wait ssh` and `pim ip` with the demo image. */
export async function measureVms(pairs: number, say: (line: string) => void): Promise<Measurement[]> {
  return [await measureList(say), ...await measureGuest(Math.max(pairs, startRounds), say)];
}

/** Folders of pim's own, with the demo image. */
interface Home extends AsyncDisposable {
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

async function measureGuest(rounds: number, say: (line: string) => void): Promise<Measurement[]> {
  await using home = await vmHome();
  const start = (wait: string) =>
    home.pim("run", "demo", "--name", name, "--disk", "snapshot", "--wait", wait, "--timeout", "600");
  const stop = () => home.pim("stop", "--force", name);
  // Also fills the caches, so that the first start below is like the others.
  say("asking a guest for its addresses");
  await start("agent");
  const ask = () => timeMs(() => home.pim("ip", name));
  await interleave(3, [ask]);
  const [asked = []] = await interleave(askRounds, [ask]);
  const record = await home.record();
  await stop();
  const startSeconds = async () => {
    const seconds = await timeMs(() => start("ssh")) / 1000;
    say(`pim started the demo image in ${seconds.toFixed(1)} s`);
    await stop();
    return seconds;
  };
  const plainSeconds = async () => {
    await using started = await startPlain(record);
    say(`QEMU alone started it in ${started.seconds.toFixed(1)} s`);
    return started.seconds;
  };
  const [pim = [], plain = []] = await interleave(rounds, [startSeconds, plainSeconds]);
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
