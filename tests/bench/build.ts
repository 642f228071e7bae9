import { join } from "node:path";
import { PimError } from "../../lib/errors.ts";
import { start } from "../../lib/process.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { demoIso } from "../demo/make_iso.ts";
import { demoPackages, ensurePackages } from "../demo/packages.ts";
import { writeDemoProject } from "../demo/project.ts";
import { timeByHand } from "./by_hand.ts";
import { benchFolder } from "./facts.ts";
import { interleave, type Measurement, median } from "./measurement.ts";
import { watchMemory } from "./memory.ts";
import { pimCommand, pimEnvironment } from "./pim_command.ts";

interface PimBuild {
  readonly seconds: number;
  /** Undefined where the system does not tell. */
  readonly peakMiB: number | undefined;
}

/**
 * The demo's build: pim's wall time over the same build by hand, and pim's own peak memory during it. Every build
 * begins with empty folders; that the accelerator works is known already, as it is from the second build of a day on.
 */
export async function measureBuild(pairs: number, say: (line: string) => void): Promise<Measurement[]> {
  await ensurePackages(demoPackages, say);
  const iso = await demoIso({ onProgress: say });
  const inHome = async <T>(name: string, work: (home: string, project: string) => Promise<T>): Promise<T> => {
    await Deno.mkdir(benchFolder(), { recursive: true });
    const home = await Deno.makeTempDir({ dir: benchFolder(), prefix: "build-" });
    try {
      const project = join(home, "project");
      await writeDemoProject(project, iso);
      await probeQemu({ architecture: "amd64", cacheDir: join(home, "cache") });
      say(`building the demo image ${name}`);
      return await work(home, project);
    } finally {
      await Deno.remove(home, { recursive: true });
    }
  };
  const builds: PimBuild[] = [];
  const [pim = [], byHand = []] = await interleave(pairs, [
    async () => {
      const build = await inHome("with pim", buildWithPim);
      builds.push(build);
      return build.seconds;
    },
    () => inHome("by hand", (home, project) => timeByHand(home, project, iso.path)),
  ]);
  return [buildTime(median(pim), median(byHand), pairs), ...peakMemory(builds, say)];
}

function buildTime(pim: number, byHand: number, runs: number): Measurement {
  const baseline = { name: "by hand", value: byHand };
  return { name: "build", what: "build of the demo image", unit: "s", pim, baseline, aim: 1.05, runs };
}

function peakMemory(builds: readonly PimBuild[], say: (line: string) => void): Measurement[] {
  const peaks = builds.map(({ peakMiB }) => peakMiB).filter((peak) => peak !== undefined);
  if (peaks.length === 0) {
    say("pim's peak memory is not measured: it is read from /proc, which only Linux has.");
    return [];
  }
  const what = "peak memory of pim during a build, without QEMU";
  return [{ name: "memory", what, unit: "MiB", pim: Math.max(...peaks), aim: 150, runs: peaks.length }];
}

async function buildWithPim(home: string, project: string): Promise<PimBuild> {
  const argv = [...pimCommand(), "--project", project, "build", "run", "demo"];
  const startedMs = performance.now();
  const running = start(argv, { cwd: home, env: pimEnvironment(home) });
  using memory = watchMemory(running.pid);
  const { code } = await running.ended;
  const seconds = (performance.now() - startedMs) / 1000;
  if (code !== 0) throw new PimError(`pim build run demo ended with ${code}:\n${running.stderr()}`);
  return { seconds, peakMiB: memory.peakMiB() };
}
