import { join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import type { ImageEntry } from "./entry.ts";
import type { ImagePlaces } from "./images.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { openRegistry } from "./registry.ts";

/** A manifest and where it lies. */
export interface FoundManifest {
  readonly path: string;
  readonly manifest: Manifest;
}

/**
 * The manifest of an image, of the newest image of a profile, or in a file: a name with a slash or `.json` is a path.
 * Throws UsageError when there is none.
 */
export async function findManifest(what: string, places: ImagePlaces, cwd: string): Promise<FoundManifest> {
  if (what.includes("/") || what.endsWith(".json")) {
    const path = resolve(cwd, what);
    return { path, manifest: await readManifest(path) };
  }
  return await manifestOfImage((await openRegistry(places.registryPath)).get(what), places.imageDir);
}

/**
 * The manifests of an image, or of the newest one of a profile, and of the image that was built before it from the
 * same profile for the same architecture. Throws UsageError when there is no such one.
 */
export async function findLastTwo(
  what: string,
  { registryPath, imageDir }: ImagePlaces,
): Promise<{ readonly before: FoundManifest; readonly after: FoundManifest }> {
  const registry = await openRegistry(registryPath);
  const newer = registry.get(what);
  const alike = registry.list().filter((image) =>
    image.profile === newer.profile && image.architecture === newer.architecture
  );
  const older = alike[alike.findIndex(({ name }) => name === newer.name) - 1];
  if (older === undefined) {
    throw new UsageError(
      `There is no image of ${newer.profile} for ${newer.architecture} that is older than ${newer.name}`,
      { hint: `Name two images, or paths of their manifests: pim build diff A B. See: pim build list` },
    );
  }
  return {
    before: await manifestOfImage(older, imageDir),
    after: await manifestOfImage(newer, imageDir),
  };
}

async function manifestOfImage(image: ImageEntry, imageDir: string): Promise<FoundManifest> {
  if (image.manifest === undefined) {
    throw new UsageError(`The image ${image.name} has no manifest: an earlier pim has built it`, {
      hint: `Build it anew: pim build run ${image.profile} --force`,
    });
  }
  const path = join(imageDir, image.manifest);
  return { path, manifest: await readManifest(path) };
}
