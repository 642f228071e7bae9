// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task soak`: kills pim (SIGKILL) at random moments of builds of the demo, and after each kill builds once more and
// looks: nothing may be left of the killed build, every layer must be sound, and the image must be what was asked for.
import { join } from "node:path";
import { parseArgs } from "node:util";
import { table } from "../../lib/cli/table.ts";
import { messageOf, UsageError } from "../../lib/errors.ts";
import { lockFile, removeIfThere } from "../../lib/files.ts";
import { userPaths } from "../../lib/paths.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { runScript } from "../../release/run_script.ts";
import { demoCacheFolder } from "../demo/cache.ts";
import { demoIso } from "../demo/make_iso.ts";
import { demoPackages, ensurePackages } from "../demo/packages.ts";
import { pim } from "../e2e/pim.ts";
import { killBuild, runBuild, type SoakBuild, type StepTimes } from "./kill_build.ts";
import { randomFrom } from "./random.ts";
import {
  soakProfile,
  soakScripts,
  type Versions,
  writeScripts,
  writeSoakProject,
  wrongMarks,
} from "./soak_project.ts";
import { leftBehind, type SoakPlace, wrongLayers } from "./what_is_left.ts";

const usage = `deno task soak [--rounds N] [--seed N]

  --rounds N   how many builds are killed (default 20); without KVM a round takes one to two minutes
  --seed N     the same random moments again (default: others each time)`;

// The share of killed builds that begin with the installer; the others change a script.
const fullShare = 0.2;
const maxLayers = "3G";

/** One killed build, and what was found after it. */
interface Round {
  readonly change: string;
  /** The step in which pim was killed; it had ended before where the moment came too late. */
  readonly killed: string;
  /** Seconds of the build that came after it. */
  readonly cleanSeconds: number;
  /** Scripts that this build ran. */
  readonly scripts: number;
  readonly problems: readonly string[];
}

interface Soak extends SoakPlace {
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;
  readonly times: StepTimes;
  readonly random: () => number;
}

async function soak(args: readonly string[]): Promise<number> {
  const { rounds, seed, help } = parse(args);
  if (help) {
    console.log(usage);
    return 0;
  }
  await ensurePackages(demoPackages);
  await using place = await soakPlace(seed);
  const versions: Record<string, number> = Object.fromEntries(soakScripts.map((name) => [name, 1]));
  const iso = await demoIso({ onProgress: (line) => console.log(line) });
  await writeSoakProject(place.project, iso, versions as Versions);
  await probeQemu({ architecture: "amd64", cacheDir: place.paths.cacheDir });
  console.log(`${rounds} rounds, seed ${seed}`);
  const done: Round[] = [];
  for (let number = 1; number <= rounds; number++) {
    const round = await oneRound(place, versions, number === 1);
    done.push(round);
    console.log(
      `${number}: ${round.change}, killed in ${round.killed}, then ${round.scripts} scripts in ` +
        `${round.cleanSeconds.toFixed(0)} s: ${round.problems.join("; ") || "good"}`,
    );
  }
  console.log(`\n${summary(done)}`);
  return done.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

async function oneRound(place: Soak, versions: Record<string, number>, first: boolean): Promise<Round> {
  const full = first || place.random() < fullShare;
  const changed = soakScripts[Math.floor(place.random() * soakScripts.length)] ?? "one";
  if (!full) versions[changed] = (versions[changed] ?? 0) + 1;
  await writeScripts(place.project, versions as Versions);
  const args = ["--project", place.project, "build", "run", soakProfile, "--json"];
  const killed = await killBuild(
    { ...place, args: full && !first ? [...args, "--no-cache"] : args },
    place.random,
  );
  const startedMs = performance.now();
  const clean = await runBuild({ ...place, args });
  const cleanSeconds = (performance.now() - startedMs) / 1000;
  return {
    change: full ? "all anew" : `script ${changed}`,
    killed: killed.code === 0 ? `nothing (${killed.step} was over)` : killed.step,
    cleanSeconds,
    scripts:
      clean.events.filter(({ type, ...event }) =>
        type === "step-finished" && "step" in event && event.step.startsWith("script ")
      ).length,
    problems: await problemsAfter(place, killed, clean, versions as Versions),
  };
}

async function problemsAfter(
  place: Soak,
  killed: SoakBuild,
  clean: SoakBuild,
  versions: Versions,
): Promise<string[]> {
  const problems: string[] = [];
  // 137 is 128 + SIGKILL; 0 a build that was quicker than the kill.
  if (killed.code !== 137 && killed.code !== 0) {
    problems.push(`it failed by itself: ${killed.stderr.slice(-400)}`);
  }
  problems.push(...await leftBehind(place), ...await wrongLayers(place));
  const end = clean.events.at(-1);
  if (clean.code !== 0 || (end?.type !== "build-finished" && end?.type !== "build-unchanged")) {
    return [...problems, `the clean build ended with ${clean.code}: ${clean.stderr.slice(-400)}`];
  }
  problems.push(...await wrongMarks(end.path, versions).catch((error) => [messageOf(error)]));
  // Old images go, and old layers: what is left has to be enough for the next round.
  for (const args of [["build", "clean", "--keep", "1"], ["build", "prune", "--max-size", maxLayers]]) {
    const { code, stderr } = await pim(["--project", place.project, ...args], place);
    if (code !== 0) problems.push(`pim ${args.join(" ")} ended with ${code}: ${stderr.slice(-400)}`);
  }
  return [...problems, ...await wrongLayers(place)];
}

/** Folders of our own, removed when all is done. */
async function soakPlace(seed: number): Promise<Soak & AsyncDisposable> {
  const home = join(demoCacheFolder(Deno.env.toObject()), "soak");
  const lock = await lockFile(`${home}.lock`);
  // What a soak has left that was interrupted.
  await removeIfThere(home);
  // A socket's path must be short.
  const runtimeDir = await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-s-" });
  const env = {
    PIM_CONFIG_DIR: join(home, "config"),
    PIM_DATA_DIR: join(home, "data"),
    PIM_CACHE_DIR: join(home, "cache"),
    PIM_RUNTIME_DIR: runtimeDir,
  };
  return {
    ...{ home, runtimeDir, env, random: randomFrom(seed), times: new Map() },
    paths: userPaths({ get: (name) => new Map(Object.entries(env)).get(name) }),
    project: join(home, "project"),
    imageDir: join(home, "data", "images"),
    async [Symbol.asyncDispose]() {
      for (const dir of [home, runtimeDir]) await removeIfThere(dir);
      await lock[Symbol.asyncDispose]();
    },
  };
}

function summary(rounds: readonly Round[]): string {
  const steps = [...new Set(rounds.map(({ killed }) => killed))].sort();
  const bad = rounds.filter(({ problems }) => problems.length > 0).length;
  return table(
    ["KILLED IN", "TIMES", "GOOD"],
    steps.map((step) => {
      const those = rounds.filter(({ killed }) => killed === step);
      const good = those.filter(({ problems }) => problems.length === 0).length;
      return [step, String(those.length), String(good)];
    }),
  ) + `\n\n${rounds.length - bad} of ${rounds.length} rounds good`;
}

function parse(args: readonly string[]): { rounds: number; seed: number; help: boolean } {
  const { rounds, seed, help } = parseOptions(args);
  const [wanted, from] = [Number(rounds), Number(seed)];
  if (!Number.isInteger(wanted) || wanted < 1 || !Number.isInteger(from)) {
    throw new UsageError("--rounds takes a whole number from 1, --seed a whole number", { hint: usage });
  }
  return { rounds: wanted, seed: from, help };
}

function parseOptions(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string", default: "20" },
        seed: { type: "string", default: String(crypto.getRandomValues(new Uint32Array(1))[0]) },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(messageOf(cause), { hint: usage, cause });
  }
}

if (import.meta.main) await runScript(() => soak(Deno.args));
