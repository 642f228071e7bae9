import type { Architecture } from "../architecture.ts";
import { PimError, UsageError } from "../errors.ts";
import { lockFile } from "../files.ts";
import { checkName, isName } from "../paths.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { fromDisk, type ImageEntry, toDisk } from "./entry.ts";
import { readRegistryFile, readRegistryForUpdate, writeRegistryFile } from "./registry_file.ts";

/** What was built, as of the moment it was read. */
export interface Registry {
  /** All images, the oldest first. */
  list(): readonly ImageEntry[];
  /** The image with this name, else the newest one of the profile with this name. */
  find(nameOrProfile: string): ImageEntry | undefined;
  /** Like find, but throws UsageError with the nearest names when there is none. */
  get(nameOrProfile: string): ImageEntry;
  /** The newest image of a profile, for one architecture if given. */
  newest(profile: string, architecture?: Architecture): ImageEntry | undefined;
}

/** A registry that can be changed, inside {@linkcode updateRegistry}. */
export interface RegistryDraft extends Registry {
  /** Throws when the name is taken. */
  add(entry: ImageEntry): void;
  /** Changes what is known of an image; throws when there is none of this name. */
  change(name: string, change: Partial<ImageEntry>): void;
  /** Whether there was such an image. */
  remove(name: string): boolean;
}

/** Reads the registry; no file is an empty one. Throws UsageError naming file, line and field of what is damaged. */
export async function openRegistry(path: string): Promise<Registry> {
  const { images } = await readRegistryFile(path);
  return view(new Map(Object.entries(images).map(([name, entry]) => [name, fromDisk(name, entry)])));
}

/**
 * Changes the registry under a lock, so that no other process's entry is lost; nothing is written when `change`
 * throws. A damaged registry is copied and reported (UsageError), never replaced.
 */
export async function updateRegistry<T>(
  path: string,
  change: (registry: RegistryDraft) => T | Promise<T>,
): Promise<T> {
  await using _lock = await lockFile(`${path}.lock`);
  const disk = await readRegistryForUpdate(path);
  const entries = new Map(Object.entries(disk.images).map(([name, entry]) => [name, fromDisk(name, entry)]));
  const before = JSON.stringify([...entries]);
  const result = await change({
    ...view(entries),
    add(entry) {
      checkName(entry.name, "image name");
      if (entries.has(entry.name)) throw new PimError(`The image ${entry.name} is registered already`);
      entries.set(entry.name, entry);
    },
    change(name, change) {
      const entry = entries.get(name);
      if (entry === undefined) throw new PimError(`The image ${name} is not registered`);
      entries.set(name, { ...entry, ...change, name });
    },
    remove: (name) => entries.delete(name),
  });
  if (JSON.stringify([...entries]) !== before) {
    const images = Object.fromEntries([...entries].map(([name, entry]) => [name, toDisk(entry)]));
    await writeRegistryFile(path, { ...disk, images });
  }
  return result;
}

/** Throws what {@linkcode updateRegistry} would throw on a damaged registry: better at a build's start than its end. */
export async function checkRegistry(path: string): Promise<void> {
  await readRegistryForUpdate(path);
}

function view(entries: ReadonlyMap<string, ImageEntry>): Registry {
  const list = () => [...entries.values()].sort((a, b) => Date.parse(a.created) - Date.parse(b.created));
  const newest = (profile: string, architecture?: Architecture) =>
    list().findLast((image) =>
      image.profile === profile && (architecture === undefined || image.architecture === architecture)
    );
  const find = (nameOrProfile: string) => entries.get(nameOrProfile) ?? newest(nameOrProfile);
  return {
    list,
    newest,
    find,
    get(nameOrProfile) {
      const found = find(nameOrProfile);
      if (found !== undefined) return found;
      const known = new Set(list().flatMap((image) => [image.name, image.profile]));
      throw new UsageError(`There is no image ${JSON.stringify(nameOrProfile)}`, {
        hint: whatInstead(nameOrProfile, known),
      });
    },
  };
}

/** The image that was meant; where none was, it may be a profile whose first image is to be built yet. */
function whatInstead(name: string, known: ReadonlySet<string>): string {
  const build = `pim build run ${isName(name) ? name : "PROFILE"}`;
  const instead = didYouMean(name, known, `No image was built yet: ${build}`);
  if (known.size === 0 || !isName(name) || nearest(name, known) !== undefined) return instead;
  return `${instead}. If it is a profile, build it first: ${build}`;
}
