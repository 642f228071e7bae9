import * as v from "valibot";
import { messageOf, UsageError } from "../../errors.ts";

/** Media types by the OCI image specification 1.1, and Docker's own for what others have pushed. */
export const mediaTypes = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  empty: "application/vnd.oci.empty.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  tar: "application/vnd.oci.image.layer.v1.tar",
  tarGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  /** The artifact type of an image of pim's. */
  image: "application/vnd.pim.image.v1",
  /** A piece of its qcow2 file. */
  chunk: "application/vnd.pim.image.chunk.v1",
  efiVars: "application/vnd.pim.image.efi-vars.v1",
  imageManifest: "application/vnd.pim.image.manifest.v1+json",
  sbom: "application/spdx+json",
} as const;

/** What requests for manifests accept. */
export const acceptedManifests = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
].join(", ");

/** Names of annotations by which pim knows its own. */
export const marks = {
  sha256: "vnd.pim.image.sha256",
  profile: "vnd.pim.image.profile",
  /** Size of the qcow2 file. */
  bytes: "vnd.pim.image.bytes",
  /** The image's entry of the registry, as JSON. */
  entry: "vnd.pim.image.entry",
  offset: "vnd.pim.chunk.offset",
} as const;

/** What blob or manifest is meant. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly artifactType?: string;
}

/** An image manifest. */
export interface ImageManifest {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An index of manifests, one for each architecture. */
export interface ImageIndex {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const annotations = v.exactOptional(v.record(v.string(), v.string()));
const descriptor = v.object({
  mediaType: v.string(),
  digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, "a SHA-256 digest")),
  size: v.pipe(v.number(), v.integer(), v.minValue(0, "0 or more bytes")),
  annotations,
  platform: v.exactOptional(v.object({ os: v.string(), architecture: v.string() })),
  artifactType: v.exactOptional(v.string()),
});
const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string(), mediaTypes.manifest),
  artifactType: v.exactOptional(v.string()),
  config: descriptor,
  layers: v.array(descriptor),
  annotations,
});
const indexSchema = v.object({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string(), mediaTypes.index),
  manifests: v.array(descriptor),
  annotations,
});

/** Reads what a registry gave as a manifest or an index; throws a UsageError that says what it is instead. */
export function parseManifest(bytes: Uint8Array, what: string): ImageManifest | ImageIndex {
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return v.parse(Array.isArray(value?.manifests) ? indexSchema : manifestSchema, value);
  } catch (cause) {
    throw new UsageError(`${what} is no manifest that pim can read: ${messageOf(cause)}`, { cause });
  }
}

/** Whether a manifest is an index of others. */
export function isIndex(manifest: ImageManifest | ImageIndex): manifest is ImageIndex {
  return "manifests" in manifest;
}
