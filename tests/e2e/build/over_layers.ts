import { dirname, join } from "node:path";
import type { TimedEvent } from "../../../lib/build/events/events.ts";
import { digestSecretFile, userPaths } from "../../../lib/paths.ts";
import { demoIso } from "../../demo/make_iso.ts";
import { writeDemoProject } from "../../demo/project.ts";
import { demoImage } from "../demo_image.ts";
import { type PimOptions, type PimResult, type PimRun, startPim } from "../pim.ts";

/** A demo project of a test's own whose builds can go on from the layers of the demo image's build. */
export interface OverLayers extends AsyncDisposable {
  readonly project: string;
  readonly env: Readonly<Record<string, string>>;
  readonly imageDir: string;
  readonly buildsDir: string;
  readonly runtimeDir: string;
  /** Writes files of the project, relative to its folder. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  /** Starts pim in the project. */
  start(args: readonly string[], options?: PimOptions): PimRun;
  /** Runs pim in the project to its end. */
  pim(args: readonly string[], options?: PimOptions): Promise<PimResult>;
}

/** Makes it, with these files beside the demo's own. Images and registry are the test's own, layers are shared. */
export async function overLayers(files: Readonly<Record<string, string>> = {}): Promise<OverLayers> {
  const demo = await demoImage();
  const dir = await Deno.makeTempDir({ prefix: "pim-over-" });
  const env = {
    ...demo.env,
    PIM_DATA_DIR: join(dir, "data"),
    PIM_RUNTIME_DIR: join(dir, "run"),
  };
  const paths = (vars: Readonly<Record<string, string>>) => userPaths(new Map(Object.entries(vars)));
  await Deno.mkdir(env.PIM_DATA_DIR);
  // The keys of layers are made with it.
  await Deno.copyFile(digestSecretFile(paths(demo.env)), digestSecretFile(paths(env)));
  const project = join(dir, "project");
  await writeDemoProject(project, await demoIso());
  const write = async (more: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(more)) {
      await Deno.mkdir(dirname(join(project, name)), { recursive: true });
      await Deno.writeTextFile(join(project, name), text);
    }
  };
  await write(files);
  const start: OverLayers["start"] = (args, options = {}) =>
    startPim(["--project", project, ...args], { ...options, env: { ...env, ...options.env } });
  return {
    project,
    env,
    imageDir: join(env.PIM_DATA_DIR, "images"),
    buildsDir: join(demo.env.PIM_CACHE_DIR ?? "", "builds"),
    runtimeDir: env.PIM_RUNTIME_DIR,
    write,
    start,
    pim: (args, options) => start(args, options).result,
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}

/** The events that a build with --json has printed. */
export function eventsOf({ stdout }: PimResult): TimedEvent[] {
  return stdout.trim().split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}

/** The names of the steps that a build has finished. */
export function stepsOf(events: readonly TimedEvent[]): string[] {
  return events.filter((event) => event.type === "step-finished").map(({ step }) => step);
}
