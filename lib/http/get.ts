import { Buffer } from "node:buffer";
import { log } from "../log.ts";
import { version } from "../version.ts";
import { HttpError, showUrl, statusError } from "./error.ts";
import { explainFailure } from "./fetch_failure.ts";
import { type RetryOptions, withRetries } from "./retry.ts";
import { type StallWatch, watchStall } from "./stall_watch.ts";

/** Options of every request. */
export interface HttpOptions {
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** How long the server may be silent; 30 s unless given. */
  stallTimeoutMs?: number;
  /** How many redirects are followed; 10 unless given. */
  maxRedirects?: number;
  /** Refuses a redirect from https to plain http, for content that nothing else vouches for. */
  keepHttps?: boolean;
  /** Statuses of 400 and above that are an answer, not an error. */
  okStatus?: readonly number[];
  /** Connections that are kept for some requests of one kind; see {@linkcode separateConnections}. */
  connections?: SeparateConnections;
}

/** Connections to servers; dispose of them when the last request is done. */
export interface SeparateConnections extends Disposable {
  readonly client: Deno.HttpClient;
}

/** Connections of which each carries one request at a time: HTTP/2 would send them all over a single one. */
export function separateConnections(): SeparateConnections {
  const client = Deno.createHttpClient({ http2: false });
  return { client, [Symbol.dispose]: () => client.close() };
}

/** An answer whose body has not been read yet; dispose of it to drop the connection. */
export interface HttpResponse extends AsyncDisposable {
  readonly status: number;
  readonly headers: Headers;
  /** The URL that answered, after redirects. */
  readonly url: string;
  /**
   * Reads some of the body into a buffer, which is gone then: what comes back has the same memory, or is undefined
   * at the end. Throws {@linkcode HttpError} when the body breaks off or stalls.
   */
  read(buffer: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined>;
}

const defaultStallTimeoutMs = 30_000;
const defaultMaxRedirects = 10;
const textPieceBytes = 64 * 1024;

/** Sends one GET request and follows redirects; throws {@linkcode HttpError} in plain words. */
export async function httpGet(url: string, options: HttpOptions = {}): Promise<HttpResponse> {
  const watch = watchStall(options.stallTimeoutMs ?? defaultStallTimeoutMs, options.signal);
  const explain = (error: unknown, at: string) =>
    explainFailure(error, at, watch.stalledMs(), options.signal);
  let current = url;
  let response: Response;
  try {
    for (let redirects = 0;; redirects++) {
      response = await watch.during(fetchOnce(current, options, watch.signal)).catch((error) => {
        throw explain(error, current);
      });
      if (![301, 302, 303, 307, 308].includes(response.status)) break;
      await response.body?.cancel();
      if (redirects >= (options.maxRedirects ?? defaultMaxRedirects)) {
        throw new HttpError(`Cannot fetch ${showUrl(url)}: it redirects more than ${redirects} times`);
      }
      current = redirectTarget(current, response, options.keepHttps ?? false);
    }
    if (!response.ok && !(options.okStatus ?? []).includes(response.status)) {
      await response.body?.cancel();
      throw statusError(current, response);
    }
  } catch (error) {
    watch.stop();
    throw error;
  }
  return answer(response, current, watch, (error) => explain(error, current));
}

/** An answer whose body is read into buffers of the caller: five times as fast as pieces of the runtime's own. */
function answer(
  response: Response,
  url: string,
  watch: StallWatch,
  explain: (error: unknown) => Error,
): HttpResponse {
  const reader = response.body?.getReader({ mode: "byob" });
  return {
    status: response.status,
    headers: response.headers,
    url,
    async read(buffer) {
      if (reader === undefined) return undefined;
      try {
        const { done, value } = await watch.during(reader.read(buffer));
        return done ? undefined : value;
      } catch (error) {
        throw explain(error);
      }
    },
    async [Symbol.asyncDispose]() {
      watch.stop();
      await reader?.cancel().catch(() => {});
    },
  };
}

/** The text of a small document, tried again when the network fails. */
export async function fetchText(
  url: string,
  options: HttpOptions & RetryOptions & { maxBytes: number },
): Promise<string> {
  return new TextDecoder().decode(await fetchBytes(url, options));
}

/** The bytes of a small document, tried again when the network fails. */
export async function fetchBytes(
  url: string,
  options: HttpOptions & RetryOptions & { maxBytes: number },
): Promise<Uint8Array> {
  return await withRetries(async () => {
    await using response = await httpGet(url, options);
    const all: Uint8Array[] = [];
    let bytes = 0;
    for (;;) {
      const piece = await response.read(new Uint8Array(textPieceBytes));
      if (piece === undefined) break;
      bytes += piece.length;
      if (bytes > options.maxBytes) {
        throw new HttpError(`Cannot fetch ${showUrl(url)}: it has more than ${options.maxBytes} bytes`);
      }
      all.push(piece);
    }
    return Buffer.concat(all);
  }, options);
}

function fetchOnce(url: string, options: HttpOptions, signal: AbortSignal): Promise<Response> {
  log.debug(`GET ${showUrl(url)}`);
  return fetch(url, {
    redirect: "manual",
    signal,
    // Compression would make lengths and ranges meaningless, and an ISO does not shrink.
    headers: { "user-agent": `pim/${version}`, "accept-encoding": "identity", ...options.headers },
    client: options.connections?.client,
  });
}

function redirectTarget(from: string, response: Response, keepHttps: boolean): string {
  const location = response.headers.get("location");
  const target = location === null ? null : URL.parse(location, from);
  if (target === null || !["http:", "https:"].includes(target.protocol)) {
    throw new HttpError(`Cannot fetch ${showUrl(from)}: it redirects to ${location ?? "nowhere"}`);
  }
  if (keepHttps && from.startsWith("https:") && target.protocol === "http:") {
    throw new HttpError(
      `Cannot fetch ${showUrl(from)}: it redirects to the unprotected ${showUrl(target.href)}`,
    );
  }
  return target.href;
}
