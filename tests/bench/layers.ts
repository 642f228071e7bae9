import { join } from "node:path";
import type { TimedEvent } from "../../lib/build/events/events.ts";
import { PimError } from "../../lib/errors.ts";
import { run } from "../../lib/process.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { type DemoIso, demoIso } from "../demo/make_iso.ts";
import { demoPackages, ensurePackages } from "../demo/packages.ts";
import { benchFolder } from "./facts.ts";
import { changeLastScript, fiveScripts, writeFiveScripts } from "./five_scripts.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { buildWithPacker, ensurePacker } from "./packer.ts";
import { pimCommand, pimEnvironment } from "./pim_command.ts";

const unchangedRounds = 11;
const mebibyte = 1024 ** 2;

/** Seconds of pim's builds, one after the other over the same layers. */
interface PimBuilds {
  readonly full: number;
  /** The last of five scripts changed, the machine started anew. */
  readonly cold: number;
  /** The last of five scripts changed, the machine's memory taken up again. */
  readonly warm: number;
  readonly unchanged: number;
  readonly imageBytes: number;
}

interface Home {
  readonly path: string;
  readonly project: string;
  readonly iso: DemoIso;
}

/**
 * Builds of an image with five scripts over the same build with packer, which begins with the installer each time: all
 * of it, with the last script changed, and with nothing changed; and the size of the image.
 */
export async function measureLayers(pairs: number, say: (line: string) => void): Promise<Measurement[]> {
  await ensurePackages(demoPackages, say);
  await ensurePacker(say);
  const iso = await demoIso({ onProgress: say });
  const [pim = [], packer = []] = await interleave<Partial<PimBuilds> & { imageBytes: number; full: number }>(
    pairs,
    [
      () => inHome(iso, (home) => buildWithPim(home, say)),
      () =>
        inHome(iso, async ({ path, project }) => {
          const { seconds, imageBytes } = await buildWithPacker(path, project, fiveScripts, iso);
          say(`packer: ${seconds.toFixed(1)} s`);
          return { full: seconds, imageBytes };
        }),
    ],
  );
  return measurements(pim as PimBuilds[], packer);
}

function measurements(
  pim: readonly PimBuilds[],
  packer: readonly Pick<PimBuilds, "full" | "imageBytes">[],
): Measurement[] {
  const middle = (key: keyof PimBuilds) => median(pim.map((each) => each[key]));
  const baseline = { name: "packer", value: median(packer.map(({ full }) => full)) };
  const common = { unit: "s", baseline, runs: pim.length } as const;
  const rebuild = "rebuild with the last of five scripts changed";
  return [
    {
      name: "layers-full",
      what: "build with five scripts, all of it",
      pim: middle("full"),
      aim: 0.75,
      ...common,
    },
    { name: "layers-cold", what: `${rebuild}, cold`, pim: middle("cold"), aim: 1 / 8, ...common },
    { name: "layers-warm", what: `${rebuild}, warm`, pim: middle("warm"), aim: 1 / 15, ...common },
    {
      name: "layers-unchanged",
      what: "rebuild with nothing changed",
      ...common,
      ...{ pim: middle("unchanged"), aim: 0.3, aimOf: "number" },
    },
    {
      name: "image-size",
      what: "size of the image",
      unit: "MiB",
      pim: middle("imageBytes") / mebibyte,
      baseline: { name: "packer", value: median(packer.map(({ imageBytes }) => imageBytes)) / mebibyte },
      aim: 0.9,
      runs: pim.length,
    },
  ];
}

/** Empty folders of pim's and a project, removed afterwards. */
async function inHome<T>(iso: DemoIso, work: (home: Home) => Promise<T>): Promise<T> {
  await Deno.mkdir(benchFolder(), { recursive: true });
  const path = await Deno.makeTempDir({ dir: benchFolder(), prefix: "layers-" });
  try {
    const project = join(path, "project");
    await writeFiveScripts(project, iso);
    // That the accelerator works is known already, as it is from the second build of a day on.
    await probeQemu({ architecture: "amd64", cacheDir: join(path, "cache") });
    return await work({ path, project, iso });
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function buildWithPim(home: Home, say: (line: string) => void): Promise<PimBuilds> {
  const build = async (what: string, wanted: Pick<TimedBuild, "scripts" | "tookUp">, warm = true) => {
    const built = await timeBuild(home, { PIM_BUILD_WARM: String(warm) });
    say(`pim, ${what}: ${built.seconds.toFixed(1)} s (${built.steps})`);
    if (built.scripts === wanted.scripts && built.tookUp === wanted.tookUp) return built;
    throw new PimError(
      `The build is not the one to be measured: it ran ${built.scripts} scripts in a machine that ` +
        (built.tookUp ? "went on from memory" : "was booted"),
    );
  };
  const full = await build("full", { scripts: 5, tookUp: false });
  await changeLastScript(home.project, 2);
  const cold = await build("last script changed, cold", { scripts: 1, tookUp: false }, false);
  await changeLastScript(home.project, 3);
  const warm = await build("last script changed, warm", { scripts: 1, tookUp: true });
  const [unchanged = []] = await interleave(unchangedRounds, [async () => (await timeBuild(home)).seconds]);
  say(`pim, nothing changed: ${median(unchanged).toFixed(2)} s`);
  return {
    full: full.seconds,
    cold: cold.seconds,
    warm: warm.seconds,
    unchanged: median(unchanged),
    imageBytes: full.imageBytes,
  };
}

interface TimedBuild {
  readonly seconds: number;
  /** How many provisioning scripts ran. */
  readonly scripts: number;
  /** Whether the machine went on from memory that an earlier build had kept. */
  readonly tookUp: boolean;
  /** The steps that took longest, in words. */
  readonly steps: string;
  readonly imageBytes: number;
}

async function timeBuild({ path, project }: Home, env: Record<string, string> = {}): Promise<TimedBuild> {
  const argv = [...pimCommand(), "--project", project, "build", "run", fiveScripts, "--json"];
  let [events, warnings]: [TimedEvent[], string] = [[], ""];
  const seconds = await timeMs(async () => {
    const { stdout, stderr } = await run(argv, { cwd: path, env: { ...pimEnvironment(path), ...env } });
    events = stdout.trim().split("\n").map((line) => JSON.parse(line) as TimedEvent);
    warnings = stderr;
  }) / 1000;
  const end = events.at(-1);
  if (end?.type !== "build-finished" && end?.type !== "build-unchanged") {
    throw new PimError(`pim build run ended with ${end?.type}`);
  }
  const steps = events.filter((each) => each.type === "step-finished");
  const scripts = steps.filter(({ step }) => step.startsWith("script ")).length;
  const long = steps.filter(({ elapsedMs }) => elapsedMs >= 500)
    .map(({ step, elapsedMs }) => `${step} ${(elapsedMs / 1000).toFixed(1)}`);
  const takesUp = events.some((each) =>
    each.type === "progress" && each.text === "taking up the machine's memory"
  );
  const tookUp = takesUp && !warnings.includes("cannot go on");
  return { seconds, scripts, tookUp, steps: long.join(", "), imageBytes: end.bytes };
}
