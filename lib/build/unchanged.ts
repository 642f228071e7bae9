import { join } from "node:path";
import { openRegistry } from "../image/registry.ts";
import { registryFile } from "../paths.ts";
import type { BuildPlan } from "./plan.ts";
import type { BuiltImage } from "./states.ts";

/** The profile's newest image, when a build would make the same once more; undefined when there is something to do. */
export async function unchangedImage(plan: BuildPlan): Promise<BuiltImage | undefined> {
  const { keys, profile, architecture, config } = plan;
  if (keys === undefined || plan.force || !plan.cache || plan.from !== undefined) return undefined;
  const registry = await openRegistry(registryFile(config.paths));
  const image = registry.newest(profile.name, architecture);
  if (image === undefined || image.key !== keys.image) return undefined;
  if (image.verified?.ok === false || (plan.verify && image.verified === undefined)) return undefined;
  const path = join(config.settings.build.image_dir, image.file);
  const info = await Deno.stat(path).catch(() => undefined);
  return info?.size === image.bytes ? { name: image.name, path, bytes: image.bytes } : undefined;
}
