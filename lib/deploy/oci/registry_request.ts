import { explainFailure, HttpError, showUrl } from "../../http_error.ts";
import { log } from "../../log.ts";
import { version } from "../../version.ts";

/** One request to a registry. */
export interface RegistryRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH" | "PUT" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | StreamedBody;
  readonly signal: AbortSignal;
  /** Has the certificates that are trusted beside the usual ones. */
  readonly client?: Deno.HttpClient;
}

/** A body that is sent as it comes, without a Content-Length. fetch sends large bodies four times as fast that way. */
export interface StreamedBody {
  readonly bytes: number;
  /** Called anew for every try. */
  pieces(): AsyncIterable<Uint8Array>;
}

/** How long a registry may be silent. */
export const silenceMs = 60_000;
// What an upload may take on top of that: the slowest line that is still worth waiting for.
const slowestBytesPerMs = 16;

/** Sends a request and returns its answer, whatever it is; redirects are not followed. Throws HttpError in plain words. */
export async function sendRequest(
  { method, url, headers, body, signal, client }: RegistryRequest,
): Promise<Response> {
  log.debug(`${method} ${plainUrl(url)}`);
  const streamed = typeof body === "object" && "pieces" in body;
  const bytes = streamed ? body.bytes : body?.length ?? 0;
  const limitMs = silenceMs + bytes / slowestBytesPerMs;
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), limitMs);
  try {
    return await fetch(url, {
      ...{ method, redirect: "manual", client, signal: AbortSignal.any([signal, silence.signal]) },
      body: streamed ? ReadableStream.from(body.pieces()) : body as BodyInit | undefined,
      headers: { "user-agent": `pim/${version}`, "accept-encoding": "identity", ...headers },
    });
  } catch (error) {
    throw ownHint(explainFailure(error, plainUrl(url), silence.signal.aborted ? limitMs : undefined, signal));
  } finally {
    clearTimeout(timer);
  }
}

/** Says of a certificate that is not accepted what helps here. */
function ownHint(error: Error): Error {
  if (!(error instanceof HttpError) || !/the certificate of/.test(error.message)) return error;
  return new HttpError(error.message, {
    hint: "Name the certificate of its authority: `ca_file` in targets.d, or --ca-file where you pull.",
    cause: error.cause,
  });
}

/** The body of an answer in pieces; throws HttpError when it breaks off or falls silent. */
export async function* bodyPieces(
  response: Response,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  let silent = false;
  try {
    for (;;) {
      const timer = setTimeout(() => {
        silent = true;
        reader.cancel().catch(() => {});
      }, silenceMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(timer));
      if (silent) throw new Error("silent");
      if (done) return;
      yield value;
    }
  } catch (error) {
    throw explainFailure(error, plainUrl(url), silent ? silenceMs : undefined, signal);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** The text of a small answer; throws HttpError when it is larger than that. */
export async function bodyText(
  response: Response,
  url: string,
  signal: AbortSignal,
  maxBytes = 4 * 1024 * 1024,
): Promise<string> {
  const bytes = await bodyBytes(response, url, signal, maxBytes);
  return new TextDecoder().decode(bytes);
}

/** The bytes of a small answer; throws HttpError when there are more than that. */
export async function bodyBytes(
  response: Response,
  url: string,
  signal: AbortSignal,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let count = 0;
  for await (const piece of bodyPieces(response, url, signal)) {
    count += piece.length;
    if (count > maxBytes) {
      throw new HttpError(`Cannot fetch ${plainUrl(url)}: it has more than ${maxBytes} bytes`);
    }
    pieces.push(piece);
  }
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/** A URL for messages: without what the registry keeps in its query, and without a name and a password. */
export function plainUrl(url: string): string {
  return showUrl(url).replace(/\?.*/s, "");
}
