import { join } from "node:path";
import * as v from "valibot";
import { deploy } from "../../../../lib/deploy/deploy.ts";
import type { DeployEvent } from "../../../../lib/deploy/events.ts";
import type { NamedTarget } from "../../../../lib/deploy/load_targets.ts";
import { oci } from "../../../../lib/deploy/oci/oci.ts";
import { readSecret } from "../../../../lib/deploy/secret.ts";
import type { DeployImage, HostTools } from "../../../../lib/deploy/target.ts";
import type { Deployment } from "../../../../lib/image/deployment.ts";
import { type Paths, userPaths } from "../../../../lib/paths.ts";

/** What a deployment takes beside the image. */
export interface Deploying {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  readonly env?: Readonly<Record<string, string>>;
  readonly target?: string;
}

/** Folders of pim below a folder. */
export function homePaths(home: string): Paths {
  return userPaths(new Map(Object.entries(homeEnv(home))));
}

function homeEnv(home: string): Record<string, string> {
  return {
    HOME: home,
    PIM_CONFIG_DIR: join(home, "config"),
    PIM_DATA_DIR: join(home, "data"),
    PIM_CACHE_DIR: join(home, "cache"),
  };
}

/** This host, for a user whose home is a folder. */
export function homeTools(home: string, { signal, env = {} }: Deploying = {}): HostTools {
  const all = new Map(Object.entries({ ...homeEnv(home), ...env }));
  return {
    env: all,
    signal: signal ?? new AbortController().signal,
    qemuImg: () => Promise.resolve("qemu-img"),
    secret: (reference, baseDir) => readSecret(reference, { env: all, baseDir }),
  };
}

/** A target of type `oci`. */
export function ociTarget(home: string, settings: object, name = "hub"): NamedTarget {
  return {
    ...{ name, type: "oci", brief: "", source: join(home, "targets.yml"), settings: {} },
    ...{ verifies: false, verify: false },
    open: (tools) => oci.open(v.parse(oci.schema, settings), tools, home),
  };
}

/** Deploys an image to a registry as `pim deploy run` does. */
export async function deployTo(
  home: string,
  settings: object,
  image: DeployImage,
  options: Deploying = {},
): Promise<{ readonly deployment: Deployment; readonly events: readonly DeployEvent[] }> {
  const events: DeployEvent[] = [];
  const deployment = await deploy(ociTarget(home, settings, options.target), image, {
    paths: homePaths(home),
    tools: homeTools(home, options),
    force: options.force ?? false,
    onEvent: (event) => events.push(event),
  });
  return { deployment, events };
}
