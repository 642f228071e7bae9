import { join } from "node:path";
import { hashFile } from "../../lib/hash.ts";
import { deploy } from "../../lib/deploy/deploy.ts";
import type { DeployEvent } from "../../lib/deploy/events.ts";
import { getTarget, loadTargets, type NamedTarget } from "../../lib/deploy/load_targets.ts";
import { readSecret } from "../../lib/deploy/secret.ts";
import type { DeployImage, HostTools, Ids } from "../../lib/deploy/target.ts";
import type { Verifying } from "../../lib/deploy/verify.ts";
import type { Deployment } from "../../lib/image/deployment.ts";
import { listDeployments, putDeployment } from "../../lib/image/deployments.ts";
import type { ImageEntry } from "../../lib/image/entry.ts";
import { updateRegistry } from "../../lib/image/registry.ts";
import { type Paths, registryFile } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { type TempDir, tempDir } from "../base/temp.ts";
import { sampleImage } from "../image/sample.ts";

/** A user's folders with one small image, from which it can be deployed. */
export interface DeployFixture extends AsyncDisposable {
  readonly dir: TempDir;
  readonly paths: Paths;
  readonly image: DeployImage;
  readonly env: Map<string, string>;
  /** What the last deployment said. */
  readonly events: DeployEvent[];
  /** Writes targets.d and opens its target `there`. */
  target(yaml: string): Promise<NamedTarget>;
  tools(signal?: AbortSignal): HostTools;
  deploy(
    target: NamedTarget,
    options?: {
      force?: boolean;
      verifying?: Verifying;
      signal?: AbortSignal;
      onEvent?: (event: DeployEvent) => void;
    },
  ): Promise<Deployment>;
  /** All that was written down. */
  deployments(): Promise<readonly Deployment[]>;
  /** Writes down that the deployment was cut short when only this was made. */
  cutShort(ids: Ids): Promise<void>;
}

/** Makes a qcow2 image with qemu-img, with some data in it, and an entry for it. */
export async function deployFixture(
  more: Partial<ImageEntry> & { readonly dataMiB?: number; readonly varsBytes?: number } = {},
): Promise<DeployFixture> {
  const { dataMiB = 1, varsBytes, ...entryMore } = more;
  const dir = await tempDir({ "config/pim/targets.d/.keep": "" });
  const at = (name: string) => join(dir.path, name);
  const paths: Paths = {
    ...{ configDir: at("config/pim"), dataDir: at("data/pim"), cacheDir: at("cache/pim") },
    runtimeDirWanted: at("run/pim"),
  };
  const date = new Date("2026-01-31T12:00:00Z");
  const vars = varsBytes === undefined ? {} : { efiVars: "web-efi-vars.fd", firmware: "uefi" as const };
  const plain = sampleImage("web", date, { ...vars, ...entryMore });
  const folder = join(paths.dataDir, "images");
  await Deno.mkdir(folder, { recursive: true });
  const path = join(folder, plain.file);
  await makeDisk(path, dataMiB);
  const efiVars = join(folder, "web-efi-vars.fd");
  if (varsBytes !== undefined) await Deno.writeFile(efiVars, new Uint8Array(varsBytes).fill(7));
  const sha256 = await hashFile(path, "sha256");
  const entry = { ...plain, sha256, bytes: (await Deno.stat(path)).size };
  await updateRegistry(registryFile(paths), (registry) => registry.add(entry));
  const image = { entry, path, sha256, ...(varsBytes !== undefined && { efiVars }) };
  const env = new Map<string, string>([["HOME", dir.path]]);
  const events: DeployEvent[] = [];
  const tools = (signal = new AbortController().signal): HostTools => ({
    ...{ env, signal },
    qemuImg: () => Promise.resolve("qemu-img"),
    secret: (reference, baseDir) => readSecret(reference, { env, baseDir, signal }),
  });
  return {
    ...{ dir, paths, image, env, events, tools },
    async target(yaml) {
      await dir.write("config/pim/targets.d/there.yml", yaml);
      return getTarget("there", await loadTargets([{ kind: "user", path: paths.configDir }]));
    },
    deploy(target, { force = false, verifying, signal, onEvent } = {}) {
      events.length = 0;
      return deploy(target, image, {
        ...{ paths, force, tools: tools(signal) },
        ...(verifying !== undefined && { verifying }),
        onEvent(event) {
          events.push(event);
          onEvent?.(event);
        },
      });
    },
    deployments: () => listDeployments(registryFile(paths)),
    async cutShort(ids) {
      const [last] = await listDeployments(registryFile(paths));
      if (last === undefined) throw new Error("nothing was deployed");
      await putDeployment(registryFile(paths), { ...last, ids, state: "unfinished" });
    },
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}

/** The actions that a target plans for the fixture's image, without doing any of them. */
export async function planned(
  { image, tools, deployments }: DeployFixture,
  target: NamedTarget,
  force = false,
): Promise<readonly string[]> {
  const ids = (await deployments()).at(-1)?.ids ?? {};
  await using opened = target.open(tools());
  return (await opened.plan(image, { force, ids })).actions.map(({ text }) => text);
}

async function makeDisk(path: string, dataMiB: number): Promise<void> {
  const raw = `${path}.raw`;
  // Not zeros: those take no room in a qcow2 file.
  const data = new Uint8Array(dataMiB * 1024 * 1024);
  for (let at = 0; at < data.length; at += 65_536) crypto.getRandomValues(data.subarray(at, at + 65_536));
  await Deno.writeFile(raw, data);
  await run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path]);
  await Deno.remove(raw);
}
