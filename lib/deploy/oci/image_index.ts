import { HttpError } from "../../http/error.ts";
import type { DeployImage } from "../target.ts";
import { type Descriptor, type ImageIndex, isIndex, marks, mediaTypes, parseManifest } from "./manifests.ts";
import type { Repository } from "./repository.ts";

/** A manifest that is to be in an index. */
export interface IndexEntry {
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
}

const mostTries = 5;

/** The index under a tag; undefined when there is none, or when a manifest is there. */
export async function readIndex(repository: Repository, tag: string): Promise<ImageIndex | undefined> {
  const found = await repository.manifest(tag);
  if (found === undefined) return undefined;
  const manifest = parseManifest(found.bytes, `${repository.name}:${tag}`);
  return isIndex(manifest) ? manifest : undefined;
}

/**
 * Lists a manifest in the index under a tag, in the place of the one of its architecture, and returns the index's digest.
 * Registries know no lock: it is looked at again afterwards, and put again when somebody else was in between.
 */
export async function listInIndex(
  repository: Repository,
  tag: string,
  { entry, sha256 }: DeployImage,
  { digest, size, artifactType }: IndexEntry,
): Promise<string> {
  const own: Descriptor = {
    ...{ mediaType: mediaTypes.manifest, digest, size },
    ...(artifactType !== undefined && { artifactType }),
    platform: { os: "linux", architecture: entry.architecture },
    annotations: { [marks.sha256]: sha256 },
  };
  for (let tries = 0; tries < mostTries; tries++) {
    const before = (await readIndex(repository, tag))?.manifests ?? [];
    const others = before.filter(({ platform }) => platform?.architecture !== entry.architecture);
    const put = await putIndex(repository, tag, entry.profile, [...others, own]);
    const after = await readIndex(repository, tag);
    if (after?.manifests.some((each) => each.digest === digest)) return put;
  }
  throw new HttpError(`Others change ${repository.name}:${tag} all the time`, {
    hint: "Deploy it again when they have finished.",
  });
}

/** Takes a manifest out of the index under a tag, which stays as long as something is in it; says whether it was in it. */
export async function takeFromIndex(
  repository: Repository,
  tag: string,
  digest: string,
): Promise<"gone" | "kept" | "empty"> {
  const index = await readIndex(repository, tag);
  if (!index?.manifests.some((each) => each.digest === digest)) return "gone";
  const others = index.manifests.filter((each) => each.digest !== digest);
  if (others.length === 0) return "empty";
  await putIndex(repository, tag, index.annotations?.[marks.profile] ?? "", others);
  return "kept";
}

async function putIndex(
  repository: Repository,
  tag: string,
  profile: string,
  manifests: readonly Descriptor[],
): Promise<string> {
  const index: ImageIndex = {
    ...{ schemaVersion: 2, mediaType: mediaTypes.index },
    manifests: [...manifests].sort((a, b) =>
      (a.platform?.architecture ?? "").localeCompare(b.platform?.architecture ?? "")
    ),
    annotations: { [marks.profile]: profile },
  };
  return await repository.putManifest(tag, mediaTypes.index, JSON.stringify(index));
}
