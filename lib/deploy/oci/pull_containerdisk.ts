import { createHash } from "node:crypto";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { CancelledError, exitCode, messageOf, PimError, UsageError } from "../../errors.ts";
import { removeIfThere, statIfThere } from "../../files.ts";
import { writeAll } from "../../output.ts";
import { fileSource, piecesOf } from "./blob_source.ts";
import { fetchBlob } from "./fetch_blob.ts";
import type { Descriptor } from "./manifests.ts";
import type { DiskPull } from "./pull_artifact.ts";
import { ownLayer, pullOwnDisk } from "./pull_own_disk.ts";
import { markedSha256 } from "./resolve_image.ts";
import { takeDisk, type TakenDisk } from "./tar_disk.ts";

const readBytes = 4 * 1024 * 1024;

/** Where a layer lies until the disk at a path was taken out of it. */
export function layerPart(path: string): string {
  return `${path}.layer`;
}

/**
 * Brings the disk of a containerDisk to a path and returns its SHA-256. The layer goes into a file beside it first, so
 * that a pull that was cut short goes on where it was.
 */
export async function pullContainerDisk(pull: DiskPull, path: string): Promise<string> {
  const { manifest } = pull;
  const own = ownLayer(pull);
  if (own !== undefined) return await checked(pull, await pullOwnDisk(pull, own, path), path);
  const layerPath = layerPart(path);
  // The disk is in the last layer that has one.
  for (const layer of [...manifest.layers].reverse()) {
    await fetchLayer(pull, layer, layerPath);
    const disk = await takeFrom(layerPath, layer, path, pull);
    await removeIfThere(layerPath);
    if (disk !== undefined) return await checked(pull, disk.sha256, path);
  }
  throw new UsageError(`${pull.shown} is no containerDisk: no layer of it has a file in /disk`);
}

async function checked({ manifest, shown }: DiskPull, sha256: string, path: string): Promise<string> {
  const marked = markedSha256(manifest);
  if (marked === undefined || marked === sha256) return sha256;
  await removeIfThere(path);
  throw new PimError(`Cannot pull ${shown}: its disk is not the one that was pushed`, {
    exitCode: exitCode.checksum,
    hint: "Push the image again.",
  });
}

async function fetchLayer(pull: DiskPull, layer: Descriptor, path: string): Promise<void> {
  const had = await statIfThere(path);
  const begun = had !== undefined && had.size <= layer.size ? had.size : 0;
  let done = begun;
  const hash = createHash("sha256");
  using file = await Deno.open(path, { read: true, write: true, create: true, truncate: done === 0 });
  {
    await using old = await fileSource(path);
    for (let at = 0; at < done; at += readBytes) {
      hash.update(await old.read(at, Math.min(readBytes, done - at)));
    }
  }
  await file.seek(done, Deno.SeekMode.Start);
  try {
    await fetchBlob(pull.repository, layer, {
      had: { bytes: done, hash },
      async write(piece) {
        await writeAll(file, piece);
      },
      onBytes(bytes) {
        done += bytes;
        pull.progress(done, layer.size);
      },
    });
  } catch (error) {
    if (!(error instanceof PimError) || error.exitCode !== exitCode.checksum) throw error;
    // What makes no right blob must not be gone on from; it may be the beginning of another image.
    await removeIfThere(path);
    if (begun === 0) throw error;
    await fetchLayer(pull, layer, path);
  }
}

async function takeFrom(
  layerPath: string,
  { mediaType }: Descriptor,
  path: string,
  { shown, signal }: DiskPull,
): Promise<TakenDisk | undefined> {
  if (/zstd$/.test(mediaType)) {
    throw new UsageError(`Cannot pull ${shown}: a layer is packed with zstd, which pim does not read`, {
      hint: "Push it anew with gzip, or as it is.",
    });
  }
  try {
    await using packed = await fileSource(layerPath);
    const pieces = abortable(piecesOf(packed, readBytes), signal);
    return await takeDisk(
      /gzip$/.test(mediaType) ? pipeline(Readable.from(pieces), createGunzip(), () => {}) : pieces,
      path,
    );
  } catch (cause) {
    await removeIfThere(path);
    if (signal.aborted) throw new CancelledError();
    throw new PimError(`Cannot pull ${shown}: ${messageOf(cause)}`, { cause });
  }
}

async function* abortable(
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (signal.aborted) throw new CancelledError();
    yield piece;
  }
}
