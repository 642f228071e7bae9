import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { readManifest, type StepTime } from "../../image/manifest.ts";
import { openRegistry } from "../../image/registry.ts";
import { log } from "../../log.ts";
import { registryFile } from "../../paths.ts";
import { buildsThatCount, expectSteps } from "./expectation.ts";
import type { BuildPlan } from "../plan.ts";

/** What each step took in the last builds of the same profile and architecture, in ms; empty when there are none. */
export async function expectedSteps(plan: BuildPlan): Promise<ReadonlyMap<string, number>> {
  const builds: StepTime[][] = [];
  try {
    const registry = await openRegistry(registryFile(plan.config.paths));
    const images = registry.list().filter((image) =>
      image.profile === plan.profile.name && image.architecture === plan.architecture &&
      image.manifest !== undefined
    );
    for (const { manifest = "" } of images.slice(-buildsThatCount)) {
      builds.push([...(await readManifest(join(plan.config.settings.build.image_dir, manifest))).steps]);
    }
  } catch (error) {
    // Nobody's build ends for want of a forecast; what is damaged is told where it is needed.
    log.debug(`What the build will take cannot be told: ${messageOf(error)}`);
  }
  return expectSteps(builds);
}
