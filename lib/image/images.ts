import { join } from "node:path";
import type { Architecture } from "../architecture.ts";
import { messageOf, PimError, UsageError } from "../errors.ts";
import { removeIfThere, statIfThere } from "../files.ts";
import { checkName, isName, maxNameLength } from "../paths.ts";
import { didYouMean } from "../suggest.ts";
import type { ImageEntry } from "./entry.ts";
import { openRegistry, updateRegistry } from "./registry.ts";
import { compactTime } from "./time.ts";

/** Where images and their registry are. */
export interface ImagePlaces {
  readonly registryPath: string;
  readonly imageDir: string;
}

/** A registered image and what is left of it on disk. */
export interface ImageOnDisk extends ImageEntry {
  readonly path: string;
  /** Bytes of the file now; undefined when the file is missing. */
  readonly diskBytes: number | undefined;
}

/** A qcow2 file that no registry entry names. */
export interface UnregisteredFile {
  readonly path: string;
  readonly diskBytes: number;
  /** When it was last written. */
  readonly modified: Date | null;
}

/** What is in the image folder and in the registry. */
export interface ImageListing {
  readonly images: readonly ImageOnDisk[];
  readonly unregistered: readonly UnregisteredFile[];
}

/** The name of an image built at this time: `<profile>-<architecture>-<yyyymmddThhmmssZ>`. */
export function imageName(profile: string, architecture: Architecture, date: Date): string {
  const ending = `-${architecture}-${compactTime(date)}`;
  const name = `${checkName(profile, "profile name")}${ending}`;
  if (isName(name)) return name;
  throw new UsageError(`The profile's name is too long for images of it: ${profile}`, {
    hint: `An image is called PROFILE${ending}, in ${maxNameLength} letters at most: shorten the name by ${
      name.length - maxNameLength
    }.`,
  });
}

/** Lists registered images, the oldest first, with their presence on disk, and qcow2 files that are not registered. */
export async function listImages({ registryPath, imageDir }: ImagePlaces): Promise<ImageListing> {
  // The folder first: an image that is finished meanwhile is then in neither or in both, never a stray.
  const files = await qcow2Files(imageDir);
  const registry = await openRegistry(registryPath);
  const images = await Promise.all(
    registry.list().map(async (image) => {
      const path = join(imageDir, image.file);
      return { ...image, path, diskBytes: (await statIfThere(path))?.size };
    }),
  );
  const known = new Set(images.map(({ file }) => file));
  const strays = await Promise.all(
    files.filter((name) => !known.has(name)).map(async (name): Promise<UnregisteredFile[]> => {
      const path = join(imageDir, name);
      const info = await statIfThere(path);
      return info?.isFile ? [{ path, diskBytes: info.size, modified: info.mtime }] : [];
    }),
  );
  return { images, unregistered: strays.flat() };
}

/** An image that cannot be removed because VMs use it. */
export class ImageInUseError extends PimError {
  override readonly name = "ImageInUseError";

  constructor(readonly image: string, readonly vms: readonly string[]) {
    const [only] = vms;
    super(`The image ${image} is used by the VM${vms.length === 1 ? "" : "s"} ${vms.join(", ")}`, {
      hint: `Remove ${vms.length === 1 ? "it" : "them"} first: pim rm ${
        vms.length === 1 ? only : vms.join(" ")
      }`,
    });
  }
}

/**
 * Deletes an image: its file and all that lies beside it, then its entry, which is returned. The name must be the
 * image's own, not a profile's. When a file cannot be deleted the entry stays, so that it can be tried again.
 *
 * @param usersOf the names of the VMs that use a file; where there are any, ImageInUseError is thrown
 */
export async function removeImage(
  name: string,
  { registryPath, imageDir }: ImagePlaces,
  usersOf: (path: string) => Promise<readonly string[]>,
): Promise<ImageEntry> {
  return await updateRegistry(registryPath, async (registry) => {
    const names = registry.list().map((image) => image.name);
    const image = registry.list().find((image) => image.name === name);
    if (image === undefined) {
      throw new UsageError(`There is no image named ${JSON.stringify(name)}`, {
        hint: didYouMean(name, names, "No image is registered: pim build list"),
      });
    }
    const users = await usersOf(join(imageDir, image.file));
    if (users.length > 0) throw new ImageInUseError(name, users);
    for (const file of [image.file, image.efiVars, ...image.logs, image.manifest, image.sbom]) {
      if (file === undefined) continue;
      try {
        await removeIfThere(join(imageDir, file));
      } catch (cause) {
        throw new PimError(`Cannot delete ${join(imageDir, file)}: ${messageOf(cause)}`, { cause });
      }
    }
    registry.remove(name);
    return image;
  });
}

async function qcow2Files(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".qcow2") && !name.startsWith(".")) names.push(name);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw new PimError(`Cannot read the image folder ${folder}: ${messageOf(cause)}`, { cause });
  }
  return names.sort();
}
