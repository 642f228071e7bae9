import { HttpError } from "../../http/error.ts";
import { atOnce } from "./at_once.ts";
import { takeFromIndex } from "./image_index.ts";
import type { Repository } from "./repository.ts";

const sideBySide = 4;

/** Removes a manifest and what lists it; what is gone already is no error. Blobs are for the registry to clear away. */
export async function removeDeployed(
  repository: Repository,
  digest: string,
  tags: readonly string[],
): Promise<void> {
  for (const tag of tags) {
    if (await takeFromIndex(repository, tag, digest) !== "empty") continue;
    const index = await repository.digestOf(tag);
    if (index !== undefined) await removeOne(repository, index);
  }
  const others = await otherTags(repository, digest, tags);
  if (others.length === 0) return await removeOne(repository, digest);
  for (const tag of tags) {
    if (await repository.digestOf(tag) === digest) await removeTag(repository, tag, others);
  }
}

/** Tags under which somebody else, or another target, has put the same manifest. */
async function otherTags(
  repository: Repository,
  digest: string,
  own: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  await atOnce((await repository.tags()).filter((tag) => !own.includes(tag)), sideBySide, async (tag) => {
    if (await repository.digestOf(tag) === digest) found.push(tag);
  });
  return found;
}

async function removeTag(repository: Repository, tag: string, others: readonly string[]): Promise<void> {
  if (await repository.removeManifest(tag)) return;
  const { client: { host }, name } = repository;
  throw new HttpError(
    `${host} cannot take the tag ${tag} away alone, and ${name}:${others[0]} is the same image`,
    {
      hint: "Remove it there with all its tags, or only forget the deployment with --forget.",
    },
  );
}

async function removeOne(repository: Repository, digest: string): Promise<void> {
  if (await repository.removeManifest(digest) !== undefined) return;
  const { host } = repository.client;
  throw new HttpError(`${host} does not let manifests be removed`, {
    hint:
      `Allow it there (Docker's registry: storage.delete.enabled), or only forget the deployment with --forget.`,
  });
}
