import type { Hash } from "node:crypto";
import { CancelledError, exitCode, messageOf, PimError } from "../../errors.ts";
import { httpGet, type HttpResponse } from "../../http.ts";
import { HttpError, showUrl } from "../../http_error.ts";
import { withRetries } from "../../retry.ts";
import { type Algorithm, feedHash, startHash } from "../verify/checksum.ts";
import { type PartFiles, type PartState, readPart, validatorOf, writePartState } from "./part.ts";
import { checkSpace } from "./space.ts";
import type { IsoOptions, IsoProgress } from "../verify/verify.ts";

/** What a transfer is about. */
export interface Transfer {
  readonly key: string;
  readonly url: string;
  readonly folder: string;
  readonly files: PartFiles;
  readonly algorithm: Algorithm;
}

/** A whole .part file. */
export interface Transferred {
  readonly hash: string;
  readonly bytes: number;
  /** Whether some of it had been there before. */
  readonly resumed: boolean;
}

/** The growing .part file and what is known of it. */
interface Progressing {
  readonly file: Deno.FsFile;
  hash: Hash;
  bytes: number;
  state: PartState | undefined;
  /** Whether some of its bytes are from an earlier run. */
  resumed: boolean;
}

// A try that got this far was worth it: the count of failures begins anew.
const progressBytes = 1024 * 1024;

/** Fetches a URL into its .part file, hashing on the way, continuing what is there and after each failure. */
export async function transferHttp(transfer: Transfer, options: IsoOptions): Promise<Transferred> {
  const known = await readPart(transfer.files, transfer.url);
  using file = await openPart(transfer, known === undefined);
  const part: Progressing = {
    file,
    hash: startHash(transfer.algorithm),
    bytes: 0,
    state: known?.state,
    resumed: known !== undefined,
  };
  if (known !== undefined) {
    const onProgress = (bytes: number) => report(transfer, options, "hash", bytes, known.bytes);
    part.bytes = await feedHash(transfer.files.part, part.hash, { signal: options.signal, onProgress });
  }
  let mark = part.bytes;
  await withRetries(() => attempt(transfer, part, options), {
    ...options,
    hasProgress() {
      const got = part.bytes - mark;
      mark = part.bytes;
      return got >= progressBytes;
    },
  });
  await file.sync();
  return { hash: part.hash.digest("hex"), bytes: part.bytes, resumed: part.resumed };
}

/** Copies a file into the .part file, hashing on the way. */
export async function transferFile(
  path: string,
  transfer: Transfer,
  options: IsoOptions,
): Promise<Transferred> {
  using source = await Deno.open(path).catch((cause) => {
    throw new PimError(`Cannot copy ${path}: ${messageOf(cause)}`, { cause, exitCode: exitCode.download });
  });
  const { size } = await source.stat();
  await checkSpace(transfer.folder, size, transfer.key);
  using file = await openPart(transfer, true);
  const part: Progressing = {
    file,
    hash: startHash(transfer.algorithm),
    bytes: 0,
    state: undefined,
    resumed: false,
  };
  for await (const piece of source.readable) {
    await append(part, piece, transfer, options.signal);
    report(transfer, options, "download", part.bytes, size);
  }
  await file.sync();
  return { hash: part.hash.digest("hex"), bytes: part.bytes, resumed: false };
}

async function openPart(transfer: Transfer, truncate: boolean): Promise<Deno.FsFile> {
  if (truncate) await writePartState(transfer.files, undefined);
  try {
    return await Deno.open(transfer.files.part, { write: true, create: true, truncate });
  } catch (cause) {
    throw new PimError(`Cannot write ${transfer.files.part}: ${messageOf(cause)}`, { cause });
  }
}

/** One request, from where the part ends if the server agrees, else from the beginning. */
async function attempt(transfer: Transfer, part: Progressing, options: IsoOptions): Promise<void> {
  const resume = part.bytes > 0 && part.state !== undefined;
  if (resume && part.bytes === part.state?.total) return;
  const headers = resume
    ? { range: `bytes=${part.bytes}-`, "if-range": part.state?.validator ?? "" }
    : undefined;
  await using response = await httpGet(transfer.url, { ...options, headers, okStatus: resume ? [416] : [] });
  const total = totalBytes(response);
  if (!(resume && continues(response, part))) {
    await restart(part, transfer.algorithm);
    if (response.status !== 200) {
      // 416, or a part that does not fit: the file is another one now, so ask for all of it.
      part.state = undefined;
      throw brokenOff(transfer, "the server no longer has the file that was begun", total, part.bytes);
    }
    const validator = validatorOf(response.headers);
    part.state = validator === undefined ? undefined : { url: transfer.url, validator, total };
    await writePartState(transfer.files, part.state);
  }
  if (total !== undefined) await checkSpace(transfer.folder, total - part.bytes, transfer.key);
  // A write that failed half-way may have left more in the file than was hashed.
  await part.file.seek(part.bytes, Deno.SeekMode.Start);
  report(transfer, options, "download", part.bytes, total);
  for await (const piece of response.body) {
    await append(part, piece, transfer, options.signal);
    report(transfer, options, "download", part.bytes, total);
  }
  if (total !== undefined && part.bytes !== total) {
    throw brokenOff(transfer, "the connection broke off", total, part.bytes);
  }
}

/** Whether an answer goes on exactly where the part ends, with the same file. */
function continues(response: HttpResponse, part: Progressing): boolean {
  if (response.status !== 206) return false;
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ??
    [];
  if (Number(start) !== part.bytes) return false;
  if (part.state?.total !== undefined && total !== "*" && Number(total) !== part.state.total) return false;
  // A server may ignore If-Range and send a piece of another file.
  const validator = validatorOf(response.headers);
  return validator === undefined || validator === part.state?.validator;
}

/** The size of the whole file that an answer is about. */
function totalBytes(response: HttpResponse): number | undefined {
  const text = response.status === 206
    ? /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1]
    : response.headers.get("content-length");
  return text === undefined || text === null ? undefined : Number(text);
}

async function restart(part: Progressing, algorithm: Algorithm): Promise<void> {
  part.hash = startHash(algorithm);
  part.bytes = 0;
  part.resumed = false;
  await part.file.truncate(0);
}

async function append(
  part: Progressing,
  piece: Uint8Array<ArrayBuffer>,
  transfer: Transfer,
  signal?: AbortSignal,
): Promise<void> {
  if (signal?.aborted) throw new CancelledError();
  try {
    for (let done = 0; done < piece.length;) done += await part.file.write(piece.subarray(done));
  } catch (cause) {
    throw new PimError(`Cannot write ${transfer.files.part}: ${messageOf(cause)}`, { cause });
  }
  part.hash.update(piece);
  part.bytes += piece.length;
}

function brokenOff(transfer: Transfer, why: string, total: number | undefined, bytes: number): HttpError {
  const got = total === undefined ? "" : ` after ${bytes} of ${total} bytes`;
  return new HttpError(`Cannot fetch ${showUrl(transfer.url)}: ${why}${got}`, { retryable: true });
}

function report(
  transfer: Transfer,
  options: IsoOptions,
  phase: IsoProgress["phase"],
  bytes: number,
  total: number | undefined,
): void {
  options.onProgress?.({ key: transfer.key, phase, bytes, totalBytes: total });
}
