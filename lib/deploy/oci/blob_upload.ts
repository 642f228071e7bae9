import { HttpError } from "../../http/error.ts";
import { log } from "../../log.ts";
import { type BlobSource, piecesOf } from "./blob_source.ts";
import { PassingBytes } from "./passing_bytes.ts";
import type { Repository } from "./repository.ts";
import { sendPiece } from "./send_piece.ts";
import { beginUpload, finishUpload, type Upload, UploadLostError, uploadStatus } from "./upload_requests.ts";

/** A large blob on its way to a registry. */
export interface BlobUpload {
  readonly source: BlobSource;
  /** Where it is known already; else it is found out on the way. */
  readonly digest?: string;
  /** Where an upload of it goes on that was cut short. */
  readonly resume?: string | undefined;
  /** Called at every beginning; what it returns gets the bytes in their order, each once. */
  readonly watch?: () => (piece: Uint8Array) => void;
  readonly onProgress?: (bytes: number) => void;
  /** Called whenever there is another place where the upload could go on. */
  readonly onLocation?: (location: string) => Promise<void>;
}

// Of one request: what is lost at most where a registry keeps whole pieces only.
const pieceBytes = 64 * 1024 * 1024;
// Some registries cannot go on from where a connection broke off.
const mostBeginnings = 4;

/**
 * Uploads a blob in pieces, hashing it on the way, and returns its digest. What breaks off goes on from what the registry
 * has, or from the beginning where it has dropped that. Registries that take no pieces get it in one request.
 */
export async function uploadBlob(repository: Repository, upload: BlobUpload): Promise<string> {
  for (let beginnings = 1;; beginnings++) {
    try {
      const resume = beginnings === 1 ? upload.resume : undefined;
      const bytes = new PassingBytes(upload.source, upload.digest, upload.watch?.());
      return await uploadOnce(repository, { ...upload, resume }, bytes);
    } catch (error) {
      if (!(error instanceof UploadLostError) || beginnings === mostBeginnings) throw error;
      log.warn(`${error.message}; it begins anew`);
    }
  }
}

async function uploadOnce(repository: Repository, upload: BlobUpload, bytes: PassingBytes): Promise<string> {
  const { source, onLocation, onProgress } = upload;
  const { signal } = repository.client;
  let state = await repository.client.retry(() => begin(repository, upload));
  await onLocation?.(state.location);
  if (state.offset > 0) {
    log.info(`the registry has ${Math.floor(state.offset / source.size * 100)}% of it already`);
  }
  await bytes.passTo(state.offset, signal);
  const length = Math.max(pieceBytes, state.minBytes ?? 0);
  try {
    for (let at = state.offset; at < source.size; at += length) {
      const end = Math.min(at + length, source.size);
      state = await sendPiece(repository, state, {
        bytes,
        at,
        end,
        ...(onProgress !== undefined && { onProgress }),
      });
      await onLocation?.(state.location);
    }
  } catch (error) {
    if (!(error instanceof HttpError) || ![405, 501].includes(error.status ?? 0)) throw error;
    return await uploadWhole(repository, upload, bytes);
  }
  const digest = await bytes.digest(signal);
  await finishUpload(repository, state, digest);
  return digest;
}

async function begin(repository: Repository, { source, resume }: BlobUpload): Promise<Upload> {
  const begun = resume === undefined ? undefined : await uploadStatus(repository, resume);
  if (begun === undefined || begun.offset > source.size) return await beginUpload(repository);
  return { ...begun, resumed: true };
}

/** One request for all of it: for registries without PATCH. */
async function uploadWhole(
  repository: Repository,
  { source, onProgress }: BlobUpload,
  bytes: PassingBytes,
): Promise<string> {
  const digest = await bytes.digest(repository.client.signal);
  const body = { bytes: source.size, pieces: () => counted(source, onProgress) };
  await repository.client.retry(async () => {
    const { location } = await beginUpload(repository);
    await finishUpload(repository, { location, offset: 0 }, digest, body);
  });
  return digest;
}

async function* counted(
  source: BlobSource,
  onProgress: BlobUpload["onProgress"],
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let sent = 0;
  for await (const piece of piecesOf(source, 1024 * 1024)) {
    yield piece;
    sent += piece.length;
    onProgress?.(sent);
  }
}
