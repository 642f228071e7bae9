import { createHash } from "node:crypto";
import { CancelledError } from "../../errors.ts";
import { changedError } from "../convert.ts";
import type { DeployImage } from "../target.ts";
import { atOnce } from "./at_once.ts";
import { fileSource } from "./blob_source.ts";
import { uploadBlob } from "./blob_upload.ts";
import { bytesSource } from "./blob_source.ts";
import type { Notes } from "./notes.ts";
import { digestOfBytes, type Repository } from "./repository.ts";
import { mountBlob, putBlob } from "./upload_requests.ts";

/** A blob that a registry has. */
export interface Blob {
  readonly digest: string;
  readonly size: number;
}

/** What pushing the blobs of an image takes. */
export interface BlobPush {
  readonly repository: Repository;
  readonly image: DeployImage;
  readonly notes: Notes;
  readonly signal: AbortSignal;
  progress(bytes: number, totalBytes: number): void;
}

const sideBySide = 4;
// In one request, which has to be sent again as a whole when it fails.
const smallBytes = 1024 * 1024;

/** `HOST/REPOSITORY`, as notes have it. */
export function placeOf({ client, name }: Repository): string {
  return `${client.host}/${name}`;
}

/** Repositories of the same registry that have all blobs of an image. */
export function mountSources(repository: Repository, sentTo: readonly string[]): string[] {
  const prefix = `${repository.client.host}/`;
  return sentTo.filter((place) => place.startsWith(prefix) && place !== placeOf(repository))
    .map((place) => place.slice(prefix.length));
}

/** Whether a blob is in the repository, or could be brought there from another one. */
export async function isThere(
  repository: Repository,
  digest: string,
  sources: readonly string[],
): Promise<boolean> {
  if (await repository.hasBlob(digest)) return true;
  for (const source of sources) if (await mountBlob(repository, digest, source)) return true;
  return false;
}

/** Sends a blob that is in memory, unless it is there. */
export async function pushBytes(
  repository: Repository,
  bytes: Uint8Array<ArrayBuffer>,
  digest: string = digestOfBytes(bytes),
  sources: readonly string[] = [],
): Promise<Blob> {
  if (!await isThere(repository, digest, sources)) {
    if (bytes.length <= smallBytes) await putBlob(repository, digest, bytes);
    else await uploadBlob(repository, { source: bytesSource(bytes), digest });
  }
  return { digest, size: bytes.length };
}

/**
 * Sends an image in pieces of one size, those that are missing, and returns all of them. The file is read once, and not
 * at all where it was pushed before. Throws a DeployError when it is not what was built.
 */
export async function pushChunks(push: BlobPush, chunkBytes: number): Promise<readonly Blob[]> {
  const { repository, image, notes, signal } = push;
  const form = `pieces of ${chunkBytes} bytes`;
  const known = await notes.blobs(image.path, image.sha256, form);
  await using source = await fileSource(image.path);
  const count = Math.ceil(source.size / chunkBytes);
  const sources = mountSources(repository, known?.sentTo ?? []);
  const blobs: Blob[] = [];
  const whole = known === undefined ? createHash("sha256") : undefined;
  let done = 0;
  const read = async (index: number) => {
    if (signal.aborted) throw new CancelledError();
    const offset = index * chunkBytes;
    return await source.read(offset, Math.min(chunkBytes, source.size - offset));
  };
  const pieces = async function* () {
    for (let index = 0; index < count; index++) {
      const digest = known?.blobs[index]?.digest;
      const bytes = digest === undefined ? await read(index) : undefined;
      if (bytes !== undefined) whole?.update(bytes);
      yield { index, bytes, digest: digest ?? digestOfBytes(bytes!) };
    }
  };
  await atOnce(pieces(), sideBySide, async ({ index, bytes, digest }) => {
    if (bytes !== undefined) blobs[index] = await pushBytes(repository, bytes, digest, sources);
    else {
      blobs[index] = known!.blobs[index]!;
      if (!await isThere(repository, digest, sources)) {
        const missing = await read(index);
        if (digestOfBytes(missing) !== digest) throw changedError(image);
        await pushBytes(repository, missing, digest);
      }
    }
    done += blobs[index]!.size;
    push.progress(done, source.size);
  });
  if (whole !== undefined && whole.digest("hex") !== image.sha256) throw changedError(image);
  await noteSent(push, form, blobs, known?.sentTo);
  return blobs;
}

/** Notes what an image consists of, and that the repository has all of it. */
export async function noteSent(
  { repository, image, notes }: BlobPush,
  form: string,
  blobs: readonly Blob[],
  sentTo: readonly string[] = [],
): Promise<void> {
  await notes.keepBlobs(image.path, form, {
    sha256: image.sha256,
    blobs: [...blobs],
    sentTo: [...new Set([...sentTo, placeOf(repository)])],
  });
}
