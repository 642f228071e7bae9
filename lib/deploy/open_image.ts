import { join } from "node:path";
import type { ImagePlaces } from "../image/images.ts";
import { readManifest } from "../image/manifest.ts";
import { openRegistry } from "../image/registry.ts";
import { statIfThere } from "../files.ts";
import { hashFile } from "../hash.ts";
import { DeployError } from "./deploy_error.ts";
import type { DeployImage } from "./target.ts";

/**
 * The image with this name, or the newest one of the profile with this name, ready to be deployed. Throws a UsageError
 * when there is none, and a DeployError when its file is missing, is another one, or has failed its verification.
 */
export async function openDeployImage(
  what: string,
  { registryPath, imageDir }: ImagePlaces,
  { force, signal }: { readonly force: boolean; readonly signal: AbortSignal },
): Promise<DeployImage> {
  const entry = (await openRegistry(registryPath)).get(what);
  const path = join(imageDir, entry.file);
  const info = await statIfThere(path);
  const again = `Build it again: pim build run ${entry.profile} --force`;
  if (info === undefined) {
    throw new DeployError(`Cannot deploy ${entry.name}: its file ${path} is missing`, { hint: again });
  }
  if (info.size !== entry.bytes) {
    throw new DeployError(`Cannot deploy ${entry.name}: ${path} has changed since it was built`, {
      hint: again,
    });
  }
  if (entry.verified?.ok === false && !force) {
    throw new DeployError(`Cannot deploy ${entry.name}: it failed its verification`, {
      hint: `Look at what is wrong: pim verify ${entry.name}; or deploy it all the same with --force.`,
    });
  }
  return {
    ...{ entry, path, sha256: entry.sha256 ?? await hashFile(path, "sha256", { signal }) },
    ...(entry.efiVars !== undefined && { efiVars: join(imageDir, entry.efiVars) }),
    ...(entry.manifest !== undefined && { manifest: await readManifest(join(imageDir, entry.manifest)) }),
  };
}
