import { join } from "node:path";
import { randomBytes } from "node:crypto";
import { deploy } from "../../lib/deploy/deploy.ts";
import type { DeployEvent } from "../../lib/deploy/events.ts";
import { getTarget, loadTargets, type NamedTarget } from "../../lib/deploy/load_targets.ts";
import { openDeployImage } from "../../lib/deploy/open_image.ts";
import { readSecret } from "../../lib/deploy/secret.ts";
import type { DeployImage, HostTools } from "../../lib/deploy/target.ts";
import type { Verifying } from "../../lib/deploy/verify.ts";
import type { Deployment } from "../../lib/image/deployment.ts";
import { listDeployments } from "../../lib/image/deployments.ts";
import { updateRegistry } from "../../lib/image/registry.ts";
import type { ImageEntry } from "../../lib/image/entry.ts";
import { hashFile } from "../../lib/hash.ts";
import { registryFile } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { type Places, places } from "../build/places.ts";
import { sampleImage } from "../image/sample.ts";

/** Folders of pim's own with one small image in its registry. */
export interface ImagePlace extends Places {
  readonly image: DeployImage;
  /** What targets see of the environment; may be changed. */
  readonly environment: Map<string, string>;
  /** The events of all deployments so far. */
  readonly events: readonly DeployEvent[];
  /** What was done, as the events tell: the texts of the actions that came to their end. */
  done(): string[];
  tools(signal?: AbortSignal): HostTools;
  target(name: string): Promise<NamedTarget>;
  /** Deploys the image as `pim deploy run` does. */
  deploy(
    target: string | NamedTarget,
    options?: {
      readonly force?: boolean;
      readonly verifying?: Verifying;
      readonly signal?: AbortSignal;
      readonly onEvent?: (event: DeployEvent) => void;
    },
  ): Promise<Deployment>;
  deployments(): Promise<readonly Deployment[]>;
}

/** How the image of {@linkcode imagePlace} is made. */
export interface ImageOptions {
  /** What it was built from; "demo" unless given. */
  readonly profile?: string;
  /** How much of its disk is filled; 1 MiB unless given. */
  readonly filledBytes?: number;
  /** What its disk begins with. */
  readonly begin?: Uint8Array;
  /** Whether it has UEFI variables: so many bytes, or those of the file with this path. */
  readonly efiVars?: true | number | string;
  readonly entry?: Partial<ImageEntry>;
  readonly env?: Readonly<Record<string, string>>;
}

/** How large the disk is to its machine. */
export const diskBytes = 64 * 1024 * 1024;

/** Makes a small qcow2 image of random bytes and registers it; targets are files of targets.d. */
export async function imagePlace(
  targets: Readonly<Record<string, string>>,
  { profile = "demo", filledBytes = 1024 * 1024, begin, efiVars, entry: more, env = {} }: ImageOptions = {},
): Promise<ImagePlace> {
  const files = Object.entries(targets).map(([name, text]) => [`targets.d/${name}`, text]);
  const home = await places(Object.fromEntries(files), env);
  const imageDir = join(home.paths.dataDir, "images");
  await Deno.mkdir(imageDir, { recursive: true });
  const date = new Date(Date.UTC(2026, 0, 2, 3, 4, 5));
  const entry = sampleImage(profile, date, { virtualBytes: diskBytes, logs: [], ...more });
  const path = join(imageDir, entry.file);
  const raw = join(home.dir, "disk.raw");
  const content = randomBytes(filledBytes);
  if (begin !== undefined) content.set(begin);
  await Deno.writeFile(raw, content);
  await Deno.truncate(raw, diskBytes);
  await run(["qemu-img", "convert", "-O", "qcow2", raw, path]);
  await Deno.remove(raw);
  const vars = `${entry.name}-efi-vars.fd`;
  if (typeof efiVars === "string") await Deno.copyFile(efiVars, join(imageDir, vars));
  else if (efiVars) {
    await Deno.writeFile(join(imageDir, vars), randomBytes(efiVars === true ? 4096 : efiVars));
  }
  await updateRegistry(registryFile(home.paths), async (registry) =>
    registry.add({
      ...entry,
      bytes: (await Deno.stat(path)).size,
      sha256: await hashFile(path, "sha256"),
      ...(efiVars !== undefined && { efiVars: vars, firmware: "uefi" as const }),
    }));
  const environment = new Map(Object.entries({ HOME: home.dir, ...env }));
  const open = { registryPath: registryFile(home.paths), imageDir };
  const signal = new AbortController().signal;
  const image = await openDeployImage(profile, open, { force: false, signal });
  const events: DeployEvent[] = [];
  const tools = (stop = signal): HostTools => ({
    env: environment,
    signal: stop,
    qemuImg: () => Promise.resolve("qemu-img"),
    secret: (reference, baseDir) => readSecret(reference, { env: environment, baseDir, signal: stop }),
  });
  const target = async (name: string | NamedTarget) =>
    typeof name === "string" ? getTarget(name, await loadTargets((await home.config()).folders)) : name;
  return {
    ...{ ...home, image, environment, events, tools, target },
    done: () => events.flatMap((event) => event.type === "action-finished" ? [event.text] : []),
    deployments: () => listDeployments(registryFile(home.paths)),
    deploy: async (name, { force = false, verifying, signal: stop, onEvent } = {}) =>
      await deploy(await target(name), image, {
        ...{ paths: home.paths, tools: tools(stop), force },
        ...(verifying !== undefined && { verifying }),
        onEvent(event) {
          events.push(event);
          onEvent?.(event);
        },
      }),
  };
}
