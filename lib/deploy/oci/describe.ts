import { toDisk } from "../../image/entry.ts";
import type { DeployImage } from "../target.ts";
import { type Descriptor, type ImageManifest, marks, mediaTypes } from "./manifests.ts";
import type { Blob } from "./push_blobs.ts";
import type { Layer } from "./push_layer.ts";

/** The blob `{}`, which stands for no configuration; see the OCI image specification, "Guidance for an Empty Descriptor". */
export const emptyConfig = new TextEncoder().encode("{}");

/** The manifest of an artifact: the pieces of the image file, then what lies beside it. */
export function artifactManifest(
  image: DeployImage,
  empty: Blob,
  chunks: readonly Blob[],
  besides: readonly Descriptor[],
): ImageManifest {
  let offset = 0;
  const pieces = chunks.map((blob): Descriptor => {
    const at = offset;
    offset += blob.size;
    return { mediaType: mediaTypes.chunk, ...blob, annotations: { [marks.offset]: String(at) } };
  });
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    artifactType: mediaTypes.image,
    config: { mediaType: mediaTypes.empty, ...empty },
    layers: [...pieces, ...besides],
    annotations: annotations(image, true),
  };
}

/** The manifest of a containerDisk. */
export function containerDiskManifest(
  image: DeployImage,
  config: Blob,
  { blob, diffId }: Layer,
): ImageManifest {
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: { mediaType: mediaTypes.config, ...config },
    layers: [{ mediaType: blob.digest === diffId ? mediaTypes.tar : mediaTypes.tarGzip, ...blob }],
    annotations: annotations(image, false),
  };
}

/** The configuration of a containerDisk, by the OCI image specification. */
export function containerDiskConfig({ entry }: DeployImage, diffId: string): string {
  const created = new Date(entry.created).toISOString();
  return JSON.stringify({
    ...{ created, architecture: entry.architecture, os: "linux", config: {} },
    rootfs: { type: "layers", diff_ids: [diffId] },
    history: [{ created, created_by: "pim" }],
  });
}

/** What an image is, for people and for `pim image pull`; the same image has the same, whenever it is pushed. */
function annotations(image: DeployImage, withFiles: boolean): Readonly<Record<string, string>> {
  const { entry, manifest, sha256 } = image;
  const { verified: _, manifest: file, sbom, efi_vars, ...rest } = toDisk({ ...entry, logs: [] });
  const files = {
    ...(efi_vars !== undefined && { efi_vars }),
    ...(file !== undefined && { manifest: file }),
    ...(sbom !== undefined && { sbom }),
  };
  return {
    "org.opencontainers.image.created": new Date(entry.created).toISOString(),
    "org.opencontainers.image.title": entry.file,
    "org.opencontainers.image.version": entry.name,
    ...(manifest !== undefined && {
      "org.opencontainers.image.description": `${manifest.system.prettyName} (${entry.profile})`,
    }),
    [marks.profile]: entry.profile,
    [marks.sha256]: sha256,
    [marks.bytes]: String(entry.bytes),
    [marks.entry]: JSON.stringify({ ...rest, sha256, ...(withFiles && files) }),
  };
}
