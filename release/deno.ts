import { run, type RunResult } from "../lib/process.ts";

// With these a Deno that we start finds its cache, its registry and its runtimes as we do.
const passedOn = /^(DENO_|DENORT_BIN$|NPM_CONFIG_|https?_proxy$|no_proxy$|XDG_CACHE_HOME$)/i;

/** Runs the Deno that we run in with these arguments in a folder; throws ProcessError when it fails. */
export async function deno(args: readonly string[], cwd: string, signal?: AbortSignal): Promise<RunResult> {
  const env = Object.fromEntries(Object.entries(Deno.env.toObject()).filter(([name]) => passedOn.test(name)));
  return await run([Deno.execPath(), ...args], {
    cwd,
    env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    signal,
  });
}
