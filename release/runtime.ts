import { join } from "node:path";
import { CancelledError, messageOf } from "../lib/errors.ts";
import { exists } from "../lib/files.ts";
import { httpGet } from "../lib/http/get.ts";
import { deno } from "./deno.ts";
import type { Target } from "./targets.ts";

/** Where `deno compile` gets the runtime that a binary begins with, unless DENORT_BIN names one. */
export function runtimeUrl(target: Target): string {
  return `https://dl.deno.land/release/v${Deno.version.deno}/denort-${target}.zip`;
}

/**
 * Why `deno compile` cannot have its runtime for a target, or undefined when it can: DENORT_BIN names it, Deno has
 * downloaded it before, or it is there to be downloaded.
 */
export async function whyNoRuntime(target: Target, signal?: AbortSignal): Promise<string | undefined> {
  const own = Deno.env.get("DENORT_BIN");
  if (own !== undefined) {
    return await exists(own) ? undefined : `there is no file ${own}, which DENORT_BIN names`;
  }
  const url = runtimeUrl(target);
  const { stdout } = await deno(["info", "--json"], Deno.cwd(), signal);
  const kept = join(JSON.parse(stdout).denoDir, "dl", new URL(url).pathname);
  if (await exists(kept)) return undefined;
  try {
    // What comes is not read: the connection is dropped.
    await using _answer = await httpGet(url, { stallTimeoutMs: 10_000, signal });
    return undefined;
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return messageOf(error);
  }
}
