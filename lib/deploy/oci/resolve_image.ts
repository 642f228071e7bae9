import type { Architecture } from "../../architecture.ts";
import { UsageError } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import {
  type Descriptor,
  type ImageManifest,
  isIndex,
  marks,
  mediaTypes,
  parseManifest,
} from "./manifests.ts";
import { type Reference, showReference } from "./reference.ts";
import type { Repository } from "./repository.ts";

/** An image that was found in a registry. */
export interface FoundImage {
  readonly digest: string;
  readonly manifest: ImageManifest;
  /** By the index that it was found in. */
  readonly architecture?: string;
  readonly kind: "artifact" | "containerdisk";
}

/** Finds the image that a reference means, in an index that of an architecture. Throws when there is none. */
export async function resolveImage(
  repository: Repository,
  reference: Reference,
  architecture: Architecture,
): Promise<FoundImage> {
  const shown = showReference(reference);
  const wanted = reference.digest ?? reference.tag ?? "latest";
  const found = await repository.manifest(wanted);
  if (found === undefined) {
    throw new HttpError(`${reference.host} has no ${reference.repository}:${wanted}`, {
      status: 404,
      hint: `Look at what there is: skopeo list-tags docker://${reference.host}/${reference.repository}`,
    });
  }
  const manifest = parseManifest(found.bytes, shown);
  if (!isIndex(manifest)) return { digest: found.digest, manifest, kind: kindOf(manifest, shown) };
  const listed = ofArchitecture(manifest.manifests, architecture, shown);
  const inner = await repository.manifest(listed.digest);
  if (inner === undefined) throw new HttpError(`${shown} lists ${listed.digest}, which is not there`);
  const image = parseManifest(inner.bytes, `${shown} for ${architecture}`);
  if (isIndex(image)) throw new UsageError(`${shown} is an index of indexes, which pim does not read`);
  return { digest: inner.digest, manifest: image, architecture, kind: kindOf(image, shown) };
}

function ofArchitecture(
  manifests: readonly Descriptor[],
  architecture: Architecture,
  shown: string,
): Descriptor {
  const found = manifests.find(({ platform }) => platform?.architecture === architecture);
  if (found !== undefined) return found;
  const there = manifests.map(({ platform }) => platform?.architecture ?? "unknown");
  throw new UsageError(`${shown} has no image for ${architecture}; it has: ${there.join(", ") || "none"}`, {
    hint: "Name another architecture with --arch.",
  });
}

function kindOf({ artifactType, config, layers }: ImageManifest, shown: string): FoundImage["kind"] {
  if ((artifactType ?? config.mediaType) === mediaTypes.image) return "artifact";
  if (
    artifactType === undefined && layers.length > 0 && layers.every(({ mediaType }) => /tar/.test(mediaType))
  ) {
    return "containerdisk";
  }
  throw new UsageError(
    `${shown} is neither an image of pim's nor a containerDisk (${artifactType ?? config.mediaType})`,
  );
}

/** The SHA-256 of an image's qcow2 file as its manifest tells it; undefined for what others have pushed. */
export function markedSha256({ annotations }: ImageManifest): string | undefined {
  const sha256 = annotations?.[marks.sha256];
  return sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : undefined;
}
