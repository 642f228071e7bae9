// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task compile`: makes dist/pim for this machine, or with --all a binary for each target of Deno.
import { join } from "node:path";
import config from "../deno.json" with { type: "json" };
import { type Commit, readCommit } from "../lib/commit.ts";
import { isOlderDeno, typeScriptFromDisk } from "../lib/deno_version.ts";
import { CancelledError, exitCode, messageOf, PimError, UsageError } from "../lib/errors.ts";
import { lockFile, removeIfThere } from "../lib/files.ts";
import { run } from "../lib/process.ts";
import { deno } from "./deno.ts";
import { runScript } from "./run_script.ts";
import { runtimeUrl, whyNoRuntime } from "./runtime.ts";
import { stage } from "./stage.ts";
import { binaryName, type Target, targets } from "./targets.ts";

const flags = [
  // pim runs the programs and loads the modules that its user names, and reads and writes where they say: a list of
  // permissions would be as wide, and would only look like a guard.
  "--allow-all",
  // The gate before every commit checks the types; the folder that is compiled has none of the packages' types.
  "--no-check",
  // The cache of a binary is a file of a known name in /tmp, which V8 runs unseen: whoever makes it first has code run by
  // others, by root too.
  "--no-code-cache",
];

/** Compiles the staged sources for a target. */
async function compileFor(
  target: Target,
  folder: string,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  const includes = config.compile.include.flatMap((path) => ["--include", path]);
  const argv = ["compile", ...flags, "--target", target, ...includes, "--output", output, "main.ts"];
  try {
    await deno(argv, folder, signal);
  } catch (cause) {
    if (cause instanceof CancelledError) throw cause;
    throw new PimError(`Cannot compile for ${target}: ${messageOf(cause)}`, { cause });
  }
}

/** Runs a binary for this machine: one that was put together wrongly must not get its name. */
async function prove(binary: string, commit: Commit | undefined): Promise<void> {
  const hint = Deno.env.has("DENORT_BIN")
    ? `DENORT_BIN must name the runtime of Deno ${Deno.version.deno}: the denort of ${runtimeUrl(thisTarget)}`
    : undefined;
  try {
    const { stdout } = await run([binary, "version", "--json"]);
    const said = JSON.parse(stdout);
    if (said.version === config.version && said.commit === (commit?.hash ?? null) && said.binary) return;
    throw new Error(`it says of itself: ${stdout.trim()}`);
  } catch (cause) {
    throw new PimError(`The compiled binary does not run: ${messageOf(cause)}`, { cause, hint });
  }
}

async function requireRuntime(target: Target, signal: AbortSignal): Promise<void> {
  const why = await whyNoRuntime(target, signal);
  if (why === undefined) return;
  throw new PimError(`Cannot compile for ${target}: Deno's runtime for it cannot be had: ${why}`, {
    exitCode: exitCode.download,
    hint: `Compile where ${new URL(runtimeUrl(target)).host} can be reached, or name a file of your own:\n` +
      `      DENORT_BIN=FILE deno task compile     (the denort of ${runtimeUrl(target)})`,
  });
}

const thisTarget = Deno.build.target as Target;

/** Makes the binaries of these names in `dist`: all of them, or none when one fails. */
async function compile(names: ReadonlyMap<Target, string>, root: string, signal: AbortSignal): Promise<void> {
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH");
  if (epoch !== undefined && !/^\d+$/.test(epoch)) {
    throw new UsageError(`SOURCE_DATE_EPOCH is ${epoch}, which is no number of seconds`);
  }
  for (const target of names.keys()) await requireRuntime(target, signal);
  const dist = join(root, "dist");
  // A folder of always the same name: it is in the binary, which shall be the same every time.
  const folder = join(dist, ".compile");
  await using _lock = await lockFile(
    `${folder}.lock`,
    () => console.error("waiting for another compile"),
    signal,
  );
  await removeIfThere(folder);
  await Deno.mkdir(folder);
  try {
    const commit = await readCommit(root, epoch);
    await stage(root, folder, commit, signal);
    for (const [target, name] of names) {
      console.error(`compiling dist/${name} for ${target}`);
      await compileFor(target, folder, join(folder, "out", name), signal);
      if (target === thisTarget) await prove(join(folder, "out", name), commit);
    }
    for (const name of names.values()) {
      const path = join(dist, name);
      await Deno.rename(join(folder, "out", name), path);
      console.log(`dist/${name} (${((await Deno.stat(path)).size / 2 ** 20).toFixed(1)} MiB)`);
    }
  } finally {
    await removeIfThere(folder);
  }
}

async function main(args: readonly string[]): Promise<void> {
  const [flag, ...more] = args;
  if (flag !== undefined && flag !== "--all" || more.length > 0) {
    throw new UsageError(`deno task compile does not know ${args.join(" ")}`, {
      hint:
        "Type: deno task compile         for this machine\n      deno task compile --all   for all targets",
    });
  }
  if (flag === "--all" && Deno.env.has("DENORT_BIN")) {
    throw new UsageError("DENORT_BIN is the runtime of one target: it cannot be used with --all");
  }
  if (isOlderDeno(Deno.version.deno, typeScriptFromDisk)) {
    console.error(
      `warning: what Deno ${Deno.version.deno} compiles cannot load profiles in TypeScript; ${typeScriptFromDisk} can`,
    );
  }
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => controller.abort());
  const names: [Target, string][] = flag === "--all"
    ? targets.map((target) => [target, binaryName(target)])
    : [[thisTarget, Deno.build.os === "windows" ? "pim.exe" : "pim"]];
  await compile(new Map(names), join(import.meta.dirname ?? ".", ".."), controller.signal);
}

if (import.meta.main) await runScript(() => main(Deno.args));
