import { basename, dirname, join } from "node:path";
import { messageOf } from "../../errors.ts";
import { DeployError } from "../deploy_error.ts";
import type { DeployImage } from "../target.ts";
import { artifactManifest, containerDiskConfig, containerDiskManifest, emptyConfig } from "./describe.ts";
import { type Descriptor, type ImageManifest, mediaTypes } from "./manifests.ts";
import { type BlobPush, pushBytes, pushChunks } from "./push_blobs.ts";
import { pushLayer } from "./push_layer.ts";
import type { Settings } from "./settings.ts";

/** A file that goes with an image. */
interface Companion {
  readonly path: string;
  readonly mediaType: string;
}

/** The files beside an image that an artifact takes along. */
function companions({ entry, path, efiVars }: DeployImage): Companion[] {
  const beside = (file: string) => join(dirname(path), file);
  return [
    ...(efiVars === undefined ? [] : [{ path: efiVars, mediaType: mediaTypes.efiVars }]),
    ...(entry.manifest === undefined
      ? []
      : [{ path: beside(entry.manifest), mediaType: mediaTypes.imageManifest }]),
    ...(entry.sbom === undefined ? [] : [{ path: beside(entry.sbom), mediaType: mediaTypes.sbom }]),
  ];
}

// Registries take manifests of 4 MiB at least; with fewer pieces than this they are far from that.
const mostChunks = 4000;

/** The size of an image's pieces. */
function chunkBytesFor({ entry }: DeployImage, chunkMiB: number): number {
  const mib = 1024 * 1024;
  return Math.max(chunkMiB, Math.ceil(entry.bytes / mostChunks / mib)) * mib;
}

/** What {@linkcode pushImage} does, in words. */
export async function pushText(
  image: DeployImage,
  { layout, layer, chunk_mib }: Pick<Settings, "layout" | "layer" | "chunk_mib">,
  where: string,
): Promise<string> {
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const { bytes } = image.entry;
  if (layout === "containerdisk") {
    return `send it as a containerDisk of ${size(bytes)}${
      layer === "gzip" ? ", packed with gzip," : ""
    } to ${where}`;
  }
  const chunkBytes = chunkBytesFor(image, chunk_mib);
  const count = Math.ceil(bytes / chunkBytes);
  const pieces = count === 1 ? "one piece" : `${count} pieces of ${size(chunkBytes)}`;
  return `send what is missing of ${size(bytes)} in ${pieces} to ${where}`;
}

/** Sends all blobs of an image and returns its manifest. */
export async function pushImage(
  push: BlobPush,
  settings: Pick<Settings, "layout" | "layer" | "chunk_mib">,
  workDir: string,
): Promise<ImageManifest> {
  const { repository, image } = push;
  if (settings.layout === "containerdisk") {
    const layer = await pushLayer(push, settings.layer, workDir);
    const config = new TextEncoder().encode(containerDiskConfig(image, layer.diffId));
    return containerDiskManifest(image, await pushBytes(repository, config), layer);
  }
  const chunks = await pushChunks(push, chunkBytesFor(image, settings.chunk_mib));
  const besides: Descriptor[] = [];
  for (const companion of companions(image)) besides.push(await pushCompanion(push, companion));
  return artifactManifest(image, await pushBytes(repository, emptyConfig), chunks, besides);
}

async function pushCompanion(
  { repository, image }: BlobPush,
  { path, mediaType }: Companion,
): Promise<Descriptor> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = await Deno.readFile(path);
  } catch (cause) {
    throw new DeployError(`Cannot deploy ${image.entry.name}: ${messageOf(cause)}`, {
      hint: `Build it again: pim build run ${image.entry.profile} --force`,
      cause,
    });
  }
  const blob = await pushBytes(repository, bytes);
  return { mediaType, ...blob, annotations: { "org.opencontainers.image.title": basename(path) } };
}
