import { createHash } from "node:crypto";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createWriteStream } from "node:fs";
import { createGzip } from "node:zlib";
import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { requireSpace } from "../../image/space.ts";
import { changedError } from "../convert.ts";
import { DeployError } from "../deploy_error.ts";
import { type BlobSource, fileSource, piecesOf } from "./blob_source.ts";
import { uploadBlob } from "./blob_upload.ts";
import { diskArchive, diskHasher } from "./containerdisk.ts";
import { type Blob, type BlobPush, isThere, mountSources, noteSent, placeOf } from "./push_blobs.ts";

/** How the layer is packed. */
export type Packing = "tar" | "gzip";

/** The layer of a containerDisk in a registry. */
export interface Layer {
  readonly blob: Blob;
  /** The digest of the archive before it is packed. */
  readonly diffId: string;
}

/**
 * Sends the layer of a containerDisk, unless it is there. A tar archive is hashed while it is sent and lies nowhere else;
 * a packed one is written first.
 *
 * @param workDir a folder for the packed layer
 */
export async function pushLayer(push: BlobPush, packing: Packing, workDir: string): Promise<Layer> {
  const { repository, image, notes } = push;
  const form = `containerdisk ${image.entry.name} ${packing}`;
  const known = await notes.blobs(image.path, image.sha256, form);
  const [blob, diff] = known?.blobs ?? [];
  if (blob !== undefined && diff !== undefined) {
    if (await isThere(repository, blob.digest, mountSources(repository, known?.sentTo ?? []))) {
      push.progress(blob.size, blob.size);
      await noteSent(push, form, [blob, diff], known?.sentTo);
      return { blob, diffId: diff.digest };
    }
  }
  await using disk = await fileSource(image.path);
  const archive = diskArchive(image, disk);
  let hasher = diskHasher(disk.size);
  const watch = () => {
    hasher = diskHasher(disk.size);
    return hasher.take;
  };
  const layer = packing === "tar"
    ? await sendArchive(push, form, archive, watch)
    : await sendPacked(push, form, archive, watch, workDir);
  // The layer is there, and nothing names it: the registry forgets it again.
  if (hasher.hex() !== image.sha256) throw changedError(image);
  await noteSent(push, form, [layer.blob, { digest: layer.diffId, size: archive.size }], known?.sentTo);
  return layer;
}

async function sendArchive(
  push: BlobPush,
  form: string,
  archive: BlobSource,
  watch: () => (piece: Uint8Array) => void,
): Promise<Layer> {
  const digest = await send(push, form, archive, watch);
  return { blob: { digest, size: archive.size }, diffId: digest };
}

async function sendPacked(
  push: BlobPush,
  form: string,
  archive: BlobSource,
  watch: () => (piece: Uint8Array) => void,
  workDir: string,
): Promise<Layer> {
  const path = join(workDir, "layer.tar.gz");
  await requireSpace([{ dir: workDir, bytes: archive.size, what: "the packed layer" }]);
  const { digest, diffId } = await pack(archive, path, watch(), push.signal);
  await using packed = await fileSource(path);
  if (!await isThere(push.repository, digest, [])) await send(push, form, packed);
  return { blob: { digest, size: packed.size }, diffId };
}

async function send(
  { repository, image, notes, progress }: BlobPush,
  form: string,
  source: BlobSource,
  watch?: () => (piece: Uint8Array) => void,
): Promise<string> {
  const blob = `${image.sha256} ${form}`;
  const place = placeOf(repository);
  // Two targets may lead to one place: only one of them goes on with what there is.
  await using hold = await notes.holdUpload(place, blob);
  const note = async (location: string | undefined) => {
    if (hold !== undefined) await notes.keepUpload(place, blob, location);
  };
  const resume = hold === undefined ? undefined : await notes.upload(place, blob);
  const digest = await uploadBlob(repository, {
    source,
    ...(resume !== undefined && { resume }),
    ...(watch !== undefined && { watch }),
    onProgress: (bytes) => progress(bytes, source.size),
    onLocation: note,
  });
  await note(undefined);
  return digest;
}

async function pack(
  archive: BlobSource,
  path: string,
  onPiece: (piece: Uint8Array) => void,
  signal: AbortSignal,
): Promise<{ readonly digest: string; readonly diffId: string }> {
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const through = (each: (piece: Uint8Array) => void) =>
    new Transform({
      transform(piece, _encoding, done) {
        each(piece);
        done(null, piece);
      },
    });
  const both = (piece: Uint8Array) => {
    plain.update(piece);
    onPiece(piece);
  };
  try {
    await pipeline(
      Readable.from(piecesOf(archive, 1024 * 1024)),
      through(both),
      // What is in it is compressed already; more effort finds nothing.
      createGzip({ level: 1 }),
      through((piece) => packed.update(piece)),
      createWriteStream(path, { mode: 0o600 }),
      { signal },
    );
  } catch (error) {
    if (signal.aborted) throw new CancelledError();
    if (error instanceof PimError) throw error;
    throw new DeployError(`Cannot pack the layer in ${path}: ${messageOf(error)}`, { cause: error });
  }
  return { digest: `sha256:${packed.digest("hex")}`, diffId: `sha256:${plain.digest("hex")}` };
}
