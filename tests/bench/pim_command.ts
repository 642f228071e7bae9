import { join } from "node:path";
import config from "../../deno.json" with { type: "json" };
import { run, type RunResult } from "../../lib/process.ts";

const root = join(import.meta.dirname ?? ".", "../..");

/** The argv of `deno task pim` without the task runner, for pim or for another module in its place. */
export function pimCommand(module: string = join(root, "main.ts")): string[] {
  return config.tasks.pim.split(" ").map((word) =>
    word === "deno" ? Deno.execPath() : word === "main.ts" ? module : word
  );
}

/** Folders of pim below a folder of ours, so that nobody's configuration takes part. */
export function pimEnvironment(home: string): Record<string, string> {
  const denoDir = Deno.env.get("DENO_DIR");
  return {
    PIM_CONFIG_DIR: join(home, "config"),
    PIM_DATA_DIR: join(home, "data"),
    PIM_CACHE_DIR: join(home, "cache"),
    ...(denoDir !== undefined && { DENO_DIR: denoDir }),
  };
}

/** Runs pim to its end with its folders below `home`; throws when it fails. */
export async function runPim(
  home: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<RunResult> {
  return await run([...pimCommand(), ...args], { cwd: home, env: { ...pimEnvironment(home), ...env } });
}
