import { join } from "node:path";
import type { StepContext } from "../../lib/build/chain.ts";
import { type BuildRequest, planBuild } from "../../lib/build/plan.ts";
import type { HostReady, Planned } from "../../lib/build/states.ts";
import { openWorkspace } from "../../lib/build/workspace.ts";
import { run } from "../../lib/process.ts";
import type { Places } from "./places.ts";
import { realHost } from "../qemu/real_host.ts";

/** A planned build in an open workspace; the profile is `web`, for amd64, of the ISO with key `small`. */
export async function planned(
  place: Places,
  request: Partial<BuildRequest> = {},
): Promise<Planned & AsyncDisposable> {
  const plan = await planBuild(await place.config(), { profile: "web", architecture: "amd64", ...request });
  const workspace = await openWorkspace(place.paths, plan.name);
  if (workspace === undefined) throw new Error(`${plan.name} is taken`);
  return { plan, workspace, [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose]() };
}

/** The same on a host that was checked. */
export async function hostReady(place: Places): Promise<HostReady & AsyncDisposable> {
  return { ...await planned(place), host: await realHost() };
}

/** What a step gets beside its input, and what it has told. */
export interface Told extends StepContext, AsyncDisposable {
  readonly lines: string[];
}

/** A context that keeps what it is told. */
export function told(signal: AbortSignal = new AbortController().signal): Told {
  const lines: string[] = [];
  const undo = new AsyncDisposableStack();
  return {
    lines,
    signal,
    undo,
    done: [],
    progress: (text) => void lines.push(text),
    output: (line) => void lines.push(line),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

/** The files of a config with profile `web` and an ISO `small` in the folder `dir`, which has to be made. */
export function smallConfig(profile = ""): Record<string, string> {
  return {
    "isos.d/small.yml": "small:\n  url: ../../small.iso\n  architecture: amd64\n",
    "profiles.d/web.ts": `export default { iso: "small", ${profile} };\n`,
  };
}

/** Makes the ISO of {@linkcode smallConfig} out of these files. */
export async function makeIso(place: Places, files: Readonly<Record<string, string>>): Promise<void> {
  const tree = join(place.dir, "tree");
  for (const [name, text] of Object.entries(files)) {
    const path = join(tree, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  const iso = join(place.dir, "small.iso");
  await run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-o", iso, tree]);
}
