import { HttpError } from "../../http_error.ts";
import { takeFromIndex } from "./image_index.ts";
import type { Repository } from "./repository.ts";

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
  await removeOne(repository, digest);
}

async function removeOne(repository: Repository, digest: string): Promise<void> {
  if (await repository.removeManifest(digest) !== undefined) return;
  const { host } = repository.client;
  throw new HttpError(`${host} does not let manifests be removed`, {
    hint:
      `Allow it there (Docker's registry: storage.delete.enabled), or only forget the deployment with --forget.`,
  });
}
