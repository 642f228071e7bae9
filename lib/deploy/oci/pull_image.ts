import { basename, dirname, join } from "node:path";
import type { Architecture } from "../../architecture.ts";
import { CancelledError, HostError, messageOf, PimError, UsageError } from "../../errors.ts";
import { exists, lockFile, removeIfThere, statIfThere, writeFileAtomic } from "../../files.ts";
import { HttpError } from "../../http/error.ts";
import type { ImageEntry } from "../../image/entry.ts";
import type { ImagePlaces } from "../../image/images.ts";
import { openRegistry, updateRegistry } from "../../image/registry.ts";
import { requireSpace } from "../../image/space.ts";
import { fetchBlob } from "./fetch_blob.ts";
import { inspectForeignDisk } from "./foreign_disk.ts";
import { mediaTypes } from "./manifests.ts";
import { type DiskPull, pullArtifact } from "./pull_artifact.ts";
import { layerPart, pullContainerDisk } from "./pull_containerdisk.ts";
import { ownLayer } from "./pull_own_disk.ts";
import { type Outline, outlineOf } from "./pulled_entry.ts";
import { reasonOf } from "./reason.ts";
import { type Reference, showReference } from "./reference.ts";
import type { Repository } from "./repository.ts";
import { type FoundImage, markedSha256, resolveImage } from "./resolve_image.ts";

/** How an image is pulled. */
export interface PullOptions {
  readonly places: ImagePlaces;
  /** The lock file of an image that is pulled. */
  lockOf(name: string): string;
  /** Of an index, the image for this one. */
  readonly architecture: Architecture;
  /** What it is to be called here; what it was called where it was built, unless given. */
  readonly name?: string;
  readonly signal: AbortSignal;
  /** Path of qemu-img. */
  qemuImg(): Promise<string>;
  progress(bytes: number, totalBytes: number): void;
  /** Called when another pim pulls the same. */
  onWait?(): void;
}

/** An image that is here now. */
export interface PulledImage {
  readonly entry: ImageEntry;
  readonly path: string;
  readonly digest: string;
  /** Whether it was here before. */
  readonly already: boolean;
}

/** Brings an image from a registry into the image folder and registers it; a pull that was cut short is gone on with. */
export async function pullImage(
  repository: Repository,
  reference: Reference,
  options: PullOptions,
): Promise<PulledImage> {
  const shown = showReference(reference);
  try {
    const found = await resolveImage(repository, reference, options.architecture);
    const name = options.name;
    const outline = outlineOf(found, {
      repository: repository.name,
      shown,
      ...(name !== undefined && { name }),
    });
    const part = join(options.places.imageDir, `.${outline.file}.pull`);
    await using _lock = await lockFile(options.lockOf(outline.name), options.onWait, options.signal);
    return await already(found, outline, options) ??
      await bring(repository, found, outline, { part, shown, ...options });
  } catch (error) {
    if (options.signal.aborted) throw new CancelledError();
    if (!(error instanceof PimError)) throw hereError(error, shown, options.places.imageDir);
    if (!(error instanceof HttpError)) throw error;
    const { hint, status } = error;
    throw new HttpError(`Cannot pull ${shown}: ${reasonOf(error)}`, {
      ...{ exitCode: error.exitCode, cause: error },
      ...(hint !== undefined && { hint }),
      ...(status !== undefined && { status }),
    });
  }
}

/** What the file system of this host says no to, in plain words; everything else is a mistake of ours. */
function hereError(error: unknown, shown: string, imageDir: string): unknown {
  const { code } = error as { code?: string };
  const full = code === "ENOSPC" || code === "EDQUOT" || messageOf(error).includes("os error 28");
  if (code === undefined && !full && !(error instanceof Deno.errors.PermissionDenied)) return error;
  return new HostError(
    `Cannot pull ${shown}: ${full ? `there is no room left in ${imageDir}` : messageOf(error)}`,
    {
      hint: full ? "Make room (pim build clean); the same command goes on where it was." : undefined,
      cause: error,
    },
  );
}

/** The image when it is here, whole; throws when another one has its name. */
async function already(
  { digest, manifest }: FoundImage,
  { name }: Outline,
  { places: { registryPath, imageDir } }: PullOptions,
): Promise<PulledImage | undefined> {
  const entry = (await openRegistry(registryPath)).list().find((each) => each.name === name);
  if (entry === undefined) return undefined;
  const path = join(imageDir, entry.file);
  const sha256 = markedSha256(manifest);
  const same = sha256 !== undefined && entry.sha256 === sha256;
  if (same && await exists(path)) return { entry, path, digest, already: true };
  throw new UsageError(
    same
      ? `The image ${name} is registered here, and its file ${path} is missing`
      : `There is another image ${name} here already`,
    { hint: "Give the pulled one a name of its own with --name." },
  );
}

async function bring(
  repository: Repository,
  found: FoundImage,
  outline: Outline,
  { part, shown, ...options }: PullOptions & { readonly part: string; readonly shown: string },
): Promise<PulledImage> {
  const { places: { registryPath, imageDir }, signal, progress } = options;
  const { manifest, digest, kind } = found;
  const pull: DiskPull = { repository, manifest, shown, signal, progress };
  const qemuImg = await options.qemuImg();
  await Deno.mkdir(imageDir, { recursive: true });
  await requireSpace([{
    dir: dirname(part),
    bytes: await missingBytes(pull, kind, part),
    what: "the image",
  }]);
  const sha256 = kind === "artifact" ? await pullArtifact(pull, part) : await pullContainerDisk(pull, part);
  const info = await inspectForeignDisk(part, shown, { qemuImg, signal }).catch(async (error) => {
    if (!signal.aborted) await removeIfThere(part);
    throw error;
  });
  const beside = await besides(pull, outline, imageDir);
  const path = join(imageDir, outline.file);
  if (await exists(path)) {
    throw new UsageError(`Cannot pull ${shown}: ${path} is there, and no image of the registry`, {
      hint: "Move it away, or give the pulled image another name with --name.",
    });
  }
  await Deno.rename(part, path);
  const { efiVars: _e, manifest: _m, sbom: _s, ...rest } = outline;
  const size = (await Deno.stat(path)).size;
  const entry: ImageEntry = { ...rest, ...beside, virtualBytes: info.virtualBytes, bytes: size, sha256 };
  await updateRegistry(registryPath, (registry) => registry.add(entry));
  return { entry, path, digest, already: false };
}

/** How much room a pull will still take: less than the image has where an earlier one was cut short. */
async function missingBytes(pull: DiskPull, kind: FoundImage["kind"], part: string): Promise<number> {
  const all = pull.manifest.layers.reduce((sum, { size }) => sum + size, 0);
  // The disk is taken out of a copy of the layer, unless it is known where in the layer it is.
  const needed = kind === "artifact" || ownLayer(pull) !== undefined ? all : 2 * all;
  const begun = await Promise.all([part, layerPart(part)].map(statIfThere));
  // By what they take of the disk: a file of pieces has its full size from the beginning.
  return begun.reduce((sum, info) => sum - (info?.blocks ?? 0) * 512, needed);
}

/** Brings the files that lie beside an image; those that were not pushed are left out. */
async function besides(
  { repository, manifest }: DiskPull,
  outline: Outline,
  imageDir: string,
): Promise<Pick<ImageEntry, "efiVars" | "manifest" | "sbom">> {
  const kinds = { efiVars: mediaTypes.efiVars, manifest: mediaTypes.imageManifest, sbom: mediaTypes.sbom };
  const here: Record<string, string> = {};
  for (const [field, mediaType] of Object.entries(kinds)) {
    const file = outline[field as keyof typeof kinds];
    const layer = manifest.layers.find((each) => each.mediaType === mediaType);
    if (file === undefined || layer === undefined) continue;
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    await fetchBlob(repository, layer, {
      write: (piece) => Promise.resolve(void pieces.push(new Uint8Array(piece))),
    });
    await writeFileAtomic(
      join(imageDir, basename(file)),
      new Uint8Array(await new Blob(pieces).arrayBuffer()),
    );
    here[field] = file;
  }
  return here;
}
