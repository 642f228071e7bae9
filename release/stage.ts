import { join } from "node:path";
import config from "../deno.json" with { type: "json" };
import type { Commit } from "../lib/commit.ts";
import { deno } from "./deno.ts";
import { packagesOfBinary } from "./packages.ts";

const sources = ["main.ts", "lib", "config.example", "deno.lock"];

/**
 * Puts into an empty folder what a binary is made of: the sources, the facts of what it is built from, and a
 * node_modules with nothing in it but what pim runs. Deno would embed whole packages (the TypeScript compiler for
 * valibot's types), and a binary reads all that is in it when it starts: so it is a third smaller and starts twice as fast.
 */
export async function stage(
  root: string,
  folder: string,
  commit: Commit | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (const name of sources) await copy(join(root, name), join(folder, name));
  // "auto" takes exactly the packages of deno.lock out of Deno's cache, or from npm.
  await writeConfig(folder, "auto");
  await Deno.writeTextFile(join(folder, "lib/built.ts"), builtModule(commit));
  await deno(["install", "--quiet", "--entrypoint", "main.ts"], folder, signal);
  const packages = await packagesOfBinary(root);
  await prune(join(folder, "node_modules"), packages.map(({ name, version }) => `${name}@${version}`));
  // From here on Deno must not bring back what is missing.
  await writeConfig(folder, "manual");
  await loadAll(folder, packages.map(({ name }) => name), signal);
  // A binary has the times of its files in it: with those of the commit it is the same one every time.
  await setTimes(folder, new Date(commit?.date ?? 0));
}

async function writeConfig(folder: string, nodeModulesDir: "auto" | "manual"): Promise<void> {
  const { name, version, imports, allowScripts } = config;
  const text = JSON.stringify({ name, version, nodeModulesDir, imports, allowScripts }, null, 2);
  await Deno.writeTextFile(join(folder, "deno.json"), `${text}\n`);
}

/** The module that takes the place of lib/built.ts. */
function builtModule(commit: Commit | undefined): string {
  return `// Written by deno task compile.\nexport const builtFrom = ${JSON.stringify(commit)};\n`;
}

/** Loads each of these that pim imports by its name: what pruning has spoilt shall show now, not to a user. */
async function loadAll(folder: string, packages: readonly string[], signal: AbortSignal): Promise<void> {
  const names = Object.keys(config.imports).filter((name) => packages.includes(name));
  await deno(["eval", names.map((name) => `await import("${name}");`).join("\n")], folder, signal);
}

async function copy(from: string, to: string): Promise<void> {
  if (!(await Deno.stat(from)).isDirectory) return await Deno.copyFile(from, to);
  await Deno.mkdir(to);
  for await (const { name } of Deno.readDir(from)) await copy(join(from, name), join(to, name));
}

/** Removes all packages but these, links to what is removed, and files that only people and compilers read. */
async function prune(nodeModules: string, packages: readonly string[]): Promise<void> {
  const kept = new Set(packages.map((each) => each.replaceAll("/", "+")));
  const store = join(nodeModules, ".deno");
  for (const { name } of await Array.fromAsync(Deno.readDir(store))) {
    // Peers stand behind an underscore.
    if (name !== "node_modules" && !kept.has(name.split("_")[0] ?? "")) {
      await Deno.remove(join(store, name), { recursive: true });
    }
  }
  await removeUnread(nodeModules);
}

// Modules for bundlers beside those that Node and Deno load, and types: most of the AWS packages.
const unreadFolders: ReadonlySet<string> = new Set(["dist-es", "dist-types"]);

async function removeUnread(folder: string): Promise<void> {
  for (const { name, isDirectory, isSymlink } of await Array.fromAsync(Deno.readDir(folder))) {
    const path = join(folder, name);
    if (unreadFolders.has(name)) await Deno.remove(path, { recursive: true });
    else if (isDirectory) await removeUnread(path);
    else if (isSymlink ? await leadsNowhere(path) : /\.(d\.[cm]?ts|map|md)$/.test(name)) {
      await Deno.remove(path);
    }
  }
}

async function leadsNowhere(link: string): Promise<boolean> {
  try {
    await Deno.stat(link);
    return false;
  } catch {
    return true;
  }
}

async function setTimes(path: string, time: Date): Promise<void> {
  const { isDirectory, isSymlink } = await Deno.lstat(path);
  if (isSymlink) return;
  if (isDirectory) {
    for await (const { name } of Deno.readDir(path)) {
      await setTimes(join(path, name), time);
    }
  }
  await Deno.utime(path, time, time);
}
