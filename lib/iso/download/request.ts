import { httpGet, type HttpResponse } from "../../http/get.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import { readHead, type Told } from "./answer.ts";
import { brokenOff, type Fetching, FileChanged, maxStretchBytes, type Stretch } from "./fetching.ts";
import type { Source } from "./sources.ts";

/**
 * Asks a source for a stretch. When the server does not send parts, or not of the file that was begun, all begins
 * anew with this answer, and the stretch becomes the whole file.
 */
export async function openStretch(
  fetching: Fetching,
  source: Source,
  stretch: Stretch,
  signal: AbortSignal | undefined,
): Promise<HttpResponse> {
  const { part } = fetching;
  // Nothing can be continued without a validator.
  if (part.identity === undefined) setStretch(stretch, 0, maxStretchBytes(fetching));
  const { response, validator } = await ask(fetching, source, stretch, signal);
  try {
    const told = readHead(response);
    if (response.status === 206 && part.identity === undefined) {
      if (!await beginParts(fetching, source, stretch, told)) {
        await response[Symbol.asyncDispose]();
        return await openStretch(fetching, source, stretch, signal);
      }
    } else if (response.status === 206 && continues(fetching, validator, stretch, told)) {
      // Another connection may have gone on to another server meanwhile.
      if (source.at === response.url) source.validator = told.validator ?? validator;
    } else {
      refuseMirror(fetching, source, told);
      await beginAnew(fetching, source, response, told);
      setStretch(stretch, 0, told.totalBytes);
    }
    fetching.used.add(source.url);
    return response;
  } catch (error) {
    await response[Symbol.asyncDispose]();
    throw error;
  }
}

function setStretch(stretch: Stretch, start: number, end: number | undefined): void {
  stretch.start = start;
  stretch.end = end;
}

/** An answer, and by what name the version of the file was asked for. */
interface Asked {
  readonly response: HttpResponse;
  readonly validator: string | undefined;
}

async function ask(
  fetching: Fetching,
  source: Source,
  { start, end }: Stretch,
  signal: AbortSignal | undefined,
): Promise<Asked> {
  const toEnd = end === undefined || end === fetching.part.totalBytes;
  const ranged = start > 0 || !toEnd;
  const request = async (): Promise<Asked> => {
    const { at, validator } = source;
    const headers: Record<string, string> = {};
    if (ranged) headers.range = `bytes=${start}-${toEnd ? "" : end - 1}`;
    if (ranged && validator !== undefined) headers["if-range"] = validator;
    const response = await httpGet(at, { ...fetching.http, signal, headers, okStatus: ranged ? [416] : [] });
    if (source.at === at) source.at = response.url;
    return { response, validator };
  };
  const { at } = source;
  return await request().catch((error) => {
    if (at === source.url || !(error instanceof HttpError)) throw error;
    // What it redirected to earlier may be gone. The next server may name the same version in another way.
    if (source.at === at) {
      source.at = source.url;
      if (fetching.verifiable) source.validator = undefined;
    }
    return request();
  });
}

/** Begins with the first of several parts; false when it says too little of the file, which must come whole then. */
async function beginParts(
  fetching: Fetching,
  source: Source,
  stretch: Stretch,
  { range, totalBytes, validator }: Told,
): Promise<boolean> {
  const end = Math.min(stretch.end ?? Infinity, totalBytes ?? Infinity);
  if (range?.start !== 0 || range.end !== end || validator === undefined || totalBytes === undefined) {
    if (fetching.connections === 1) {
      throw new HttpError(
        `Cannot fetch ${showUrl(source.url)}: the server sends a part where all was asked for`,
      );
    }
    fetching.connections = 1;
    return false;
  }
  await begin(fetching, source, validator, totalBytes);
  setStretch(stretch, 0, end);
  return true;
}

/** Whether an answer 206 has the bytes of the stretch, of the file that was begun. */
function continues(
  { part, verifiable }: Fetching,
  known: string | undefined,
  { start, end }: Stretch,
  { range, totalBytes, validator }: Told,
): boolean {
  if (range?.start !== start || range.end !== (end ?? part.totalBytes ?? totalBytes ?? range.end)) {
    return false;
  }
  const sameSize = totalBytes === part.totalBytes;
  // Of another server the size is all that there is to compare; the checksum decides at the end.
  if (known === undefined) return verifiable && sameSize && totalBytes !== undefined;
  // A server may ignore If-Range and send a piece of another file.
  return (sameSize || totalBytes === undefined || part.totalBytes === undefined) &&
    (validator === undefined || validator === known);
}

/** Throws for a mirror that cannot go on with what came from elsewhere, as long as there are other sources. */
function refuseMirror({ part, sources }: Fetching, { url }: Source, { totalBytes }: Told): void {
  if (part.bytes === 0 || sources.count === 1 || url === part.identity?.from) return;
  const why = totalBytes !== undefined && totalBytes !== part.totalBytes
    ? `the file there has ${totalBytes} bytes and not ${part.totalBytes}`
    : "the server does not send the part that is missing";
  throw new HttpError(`Cannot go on with ${showUrl(url)}: ${why}`);
}

async function beginAnew(
  fetching: Fetching,
  source: Source,
  { status }: HttpResponse,
  { validator, totalBytes }: Told,
): Promise<void> {
  // Other connections write to the file at the same time: they must end first.
  if (fetching.stretches.size > 1) throw new FileChanged();
  const failure = brokenOff(fetching, source.url, "the server no longer has the file that was begun");
  fetching.connections = 1;
  if (status === 200) return await begin(fetching, source, validator, totalBytes);
  // 416, or a part that does not fit: the file is another one now, so ask for all of it.
  await begin(fetching, source, undefined, undefined);
  throw failure;
}

async function begin(
  fetching: Fetching,
  source: Source,
  validator: string | undefined,
  totalBytes: number | undefined,
): Promise<void> {
  const { part, url } = fetching;
  fetching.used.clear();
  fetching.resumed = false;
  (await fetching.space)?.[Symbol.dispose]();
  fetching.space = undefined;
  source.validator = validator;
  const identity = validator === undefined
    ? undefined
    : { url, from: source.url, at: source.at, ifRange: validator, total: totalBytes };
  await part.begin(identity, totalBytes);
}
