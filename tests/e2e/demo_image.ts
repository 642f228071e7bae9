// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
import { createHash } from "node:crypto";
import { join } from "node:path";
import { exists, lockFile, removeIfThere } from "../../lib/files.ts";
import type { TimedEvent } from "../../lib/build/events/events.ts";
import { demoCacheFolder } from "../demo/cache.ts";
import { demoIso } from "../demo/make_iso.ts";
import { ensurePackages, testPackages } from "../demo/packages.ts";
import { writeDemoProject } from "../demo/project.ts";
import { pim } from "./pim.ts";

/** The demo's image as `pim build run demo --verify` made it from the sources as they are. */
export interface DemoImage {
  /** The demo's project folder. */
  readonly project: string;
  /** Environment with the folders of pim that hold the image and its registry. */
  readonly env: Readonly<Record<string, string>>;
  readonly imageDir: string;
  /** The build's own events. */
  readonly events: readonly TimedEvent[];
}

const root = join(import.meta.dirname ?? ".", "../..");
// What a build depends on; tests, documents and what only runs images may change without a new one.
const sources = ["main.ts", "deno.json", "lib", "config.example", "tests/demo/project"];
const noSources = ["lib/vm", "lib/cli/vm"];

let made: Promise<DemoImage> | undefined;

/** Builds the demo image once for all end-to-end tests, and again only when the sources have changed. */
export function demoImage(): Promise<DemoImage> {
  return made ??= make();
}

async function make(): Promise<DemoImage> {
  await ensurePackages(testPackages);
  const iso = await demoIso({ onProgress: (line) => console.log(line) });
  const cache = join(demoCacheFolder(Deno.env.toObject()), "tests");
  const key = await sourcesKey(iso.key);
  const home = join(cache, key);
  await using _lock = await lockFile(join(cache, "lock"));
  const image: Omit<DemoImage, "events"> = {
    project: join(home, "project"),
    env: {
      PIM_CONFIG_DIR: join(home, "config"),
      PIM_DATA_DIR: join(home, "data"),
      PIM_CACHE_DIR: join(home, "cache"),
    },
    imageDir: join(home, "data", "images"),
  };
  const log = join(home, "build.ndjson");
  if (!(await exists(log))) {
    await removeOld(cache);
    await writeDemoProject(image.project, iso);
    console.log("building the demo image");
    const result = await pim(["--project", image.project, "build", "run", "demo", "--verify", "--json"], {
      env: image.env,
    });
    if (result.code !== 0) {
      throw new Error(
        `pim build run demo --verify ended with ${result.code}:\n${result.stderr}\n${result.stdout}`,
      );
    }
    await Deno.writeTextFile(log, result.stdout);
  }
  const events = (await Deno.readTextFile(log)).trim().split("\n").map((line) =>
    JSON.parse(line) as TimedEvent
  );
  return { ...image, events };
}

// That of a test run that goes on elsewhere, with other sources, must stay.
const keptHomes = 2;

async function removeOld(cache: string): Promise<void> {
  const homes: { path: string; madeMs: number }[] = [];
  for await (const { name, isDirectory } of Deno.readDir(cache)) {
    const path = join(cache, name);
    if (isDirectory) homes.push({ path, madeMs: (await Deno.stat(path)).mtime?.getTime() ?? 0 });
  }
  homes.sort((a, b) => b.madeMs - a.madeMs);
  for (const { path } of homes.slice(keptHomes)) await removeIfThere(path);
}

async function sourcesKey(isoKey: string): Promise<string> {
  const hash = createHash("sha256").update(isoKey);
  for (const source of sources) await update(hash, source);
  return hash.digest("hex").slice(0, 12);
}

async function update(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  if ((await Deno.stat(join(root, path))).isFile) {
    hash.update(`${path}\0`).update(await Deno.readFile(join(root, path)));
    return;
  }
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(root, path))) names.push(name);
  for (const name of names.sort()) {
    if (!noSources.includes(`${path}/${name}`)) await update(hash, `${path}/${name}`);
  }
}
