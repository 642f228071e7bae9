import { DeployError } from "../deploy_error.ts";
import type { DeployImage } from "../target.ts";
import { marks, parseManifest } from "./manifests.ts";
import type { Repository } from "./repository.ts";

/**
 * Throws a DeployError when a tag has something that pim did not put there for this profile. A tag of the profile's own,
 * such as `latest`, may move on to a newer image.
 */
export async function ownTags(
  repository: Repository,
  tags: readonly string[],
  { entry }: DeployImage,
  index: boolean,
): Promise<void> {
  for (const tag of tags) {
    const found = await repository.manifest(tag);
    if (found === undefined) continue;
    const at = `${repository.client.host}/${repository.name}:${tag}`;
    const manifest = parseManifest(found.bytes, at);
    const profile = manifest.annotations?.[marks.profile];
    const mixed = profile === entry.profile && ("manifests" in manifest) !== index;
    if (profile === entry.profile && !mixed) continue;
    const what = profile === undefined
      ? "something that pim has not put there"
      : mixed
      ? index ? "an image, and no index of several architectures" : "an index of several architectures"
      : `an image of the profile ${profile}`;
    throw new DeployError(`Cannot deploy ${entry.name}: ${at} is taken by ${what}`, {
      hint: "Set another `reference` or other `tags` in targets.d, or move the tag with --force.",
    });
  }
}
