import { createHash } from "node:crypto";
import { CancelledError } from "../../errors.ts";
import { HttpError } from "../../http_error.ts";
import { log } from "../../log.ts";
import { type BlobSource, piecesOf } from "./blob_source.ts";
import type { Repository } from "./repository.ts";
import {
  beginUpload,
  finishUpload,
  sendPiece,
  type Upload,
  UploadLostError,
  uploadStatus,
} from "./upload_requests.ts";

/** A large blob on its way to a registry. */
export interface BlobUpload {
  readonly source: BlobSource;
  /** Where an upload of it goes on that was cut short. */
  readonly resume?: string | undefined;
  /** Called at every beginning; what it returns gets the bytes in their order, each once. */
  readonly watch?: () => (piece: Uint8Array) => void;
  readonly onProgress?: (bytes: number) => void;
  /** Called whenever there is another place where the upload could go on. */
  readonly onLocation?: (location: string) => Promise<void>;
}

/** Sent in one request; a connection that breaks off loses at most that much. */
export const pieceBytes = 16 * 1024 * 1024;

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
      return await uploadOnce(repository, { ...upload, resume }, new Watch(upload));
    } catch (error) {
      if (!(error instanceof UploadLostError) || beginnings === mostBeginnings) throw error;
      log.warn(`${error.message}; it begins anew`);
    }
  }
}

/** What is made of the bytes that go by. */
class Watch {
  readonly #hash = createHash("sha256");
  readonly #also: ((piece: Uint8Array) => void) | undefined;

  constructor({ watch }: BlobUpload) {
    this.#also = watch?.();
  }

  take(piece: Uint8Array): void {
    this.#hash.update(piece);
    this.#also?.(piece);
  }

  digest(): string {
    return `sha256:${this.#hash.digest("hex")}`;
  }
}

async function uploadOnce(repository: Repository, upload: BlobUpload, watch: Watch): Promise<string> {
  const { source, onLocation } = upload;
  let state = await repository.client.retry(() => begin(repository, upload));
  await onLocation?.(state.location);
  const size = Math.max(pieceBytes, state.minBytes ?? 0);
  const there = state.offset;
  if (there > 0) log.info(`the registry has ${Math.floor(there / source.size * 100)}% of it already`);
  for (let at = 0; at < there; at += size) {
    if (repository.client.signal.aborted) throw new CancelledError();
    watch.take(await source.read(at, Math.min(size, there - at)));
  }
  try {
    state = await sendPieces(repository, upload, watch, state, size);
  } catch (error) {
    if (!(error instanceof HttpError) || ![405, 501].includes(error.status ?? 0)) throw error;
    return await uploadWhole(repository, upload, watch, Math.min(there + size, source.size));
  }
  const digest = watch.digest();
  await finishUpload(repository, state, digest);
  return digest;
}

async function begin(repository: Repository, { source, resume }: BlobUpload): Promise<Upload> {
  const begun = resume === undefined ? undefined : await uploadStatus(repository, resume);
  return begun !== undefined && begun.offset <= source.size ? begun : await beginUpload(repository);
}

async function sendPieces(
  repository: Repository,
  upload: BlobUpload,
  watch: Watch,
  begun: Upload,
  size: number,
): Promise<Upload> {
  const { source, onProgress, onLocation } = upload;
  let state = begun;
  const next = (at: number) =>
    at < source.size ? source.read(at, Math.min(size, source.size - at)) : undefined;
  let reading = next(state.offset);
  for (let at = state.offset; at < source.size;) {
    const piece = await reading!;
    // The next piece is read, and this one hashed, while the registry takes this one.
    const sending = sendPiece(repository, state, piece, at);
    sending.catch(() => {});
    reading = next(at + piece.length);
    reading?.catch(() => {});
    watch.take(piece);
    state = await sending;
    at += piece.length;
    onProgress?.(at);
    await onLocation?.(state.location);
  }
  return state;
}

/** One request for all of it: for registries without PATCH. The first piece was hashed before it was refused. */
async function uploadWhole(
  repository: Repository,
  upload: BlobUpload,
  watch: Watch,
  hashedBytes: number,
): Promise<string> {
  const { source, onProgress } = upload;
  for (let at = hashedBytes; at < source.size; at += pieceBytes) {
    if (repository.client.signal.aborted) throw new CancelledError();
    watch.take(await source.read(at, Math.min(pieceBytes, source.size - at)));
  }
  const digest = watch.digest();
  await repository.client.retry(async () => {
    const { location } = await beginUpload(repository);
    const body = () => ReadableStream.from(counted(source, onProgress));
    await finishUpload(repository, { location, offset: 0 }, digest, { body, bytes: source.size });
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
