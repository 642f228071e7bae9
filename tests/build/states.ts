import { join } from "node:path";
import type { StepContext } from "../../lib/build/chain.ts";
import { type BuildRequest, planBuild } from "../../lib/build/plan.ts";
import type { HostReady, Planned } from "../../lib/build/states.ts";
import { openWorkspace } from "../../lib/build/workspace.ts";
import { run, which } from "../../lib/process.ts";
import type { QemuHost } from "../../lib/qemu/host.ts";
import type { Places } from "./places.ts";

/** A host as checkHost finds it, without the time that a test of accelerators takes. */
export async function qemuHost(): Promise<QemuHost> {
  return {
    platform: "linux",
    architecture: "amd64",
    hostArchitecture: "amd64",
    qemu: await which("qemu-system-x86_64") ?? "qemu-system-x86_64",
    version: { major: 7, minor: 2, micro: 0, text: "7.2.0" },
    qemuImg: await which("qemu-img") ?? "qemu-img",
    accelerator: { name: "tcg", reason: "a test" },
  };
}

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
  return { ...await planned(place), host: await qemuHost() };
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
