import type { ClientRequest, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { CancelledError } from "./errors.ts";
import { HttpError, showUrl } from "./http_error.ts";
import { explainNoAnswer, Silence } from "./http_no_answer.ts";
import { log } from "./log.ts";
import { connectPinned, type TlsTrust } from "./tls_pin.ts";
import { version } from "./version.ts";

/** What a request sends: text, or pieces whose length is known before the first is read. */
export type RequestBody = string | {
  readonly bytes: number;
  pieces(): AsyncIterable<Uint8Array>;
};

/** One request to an API. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  readonly trust?: TlsTrust;
  readonly signal?: AbortSignal;
  /** How long the server may neither take nor send anything; 30 s unless given. */
  readonly stallTimeoutMs?: number;
  /** The same from the moment on that all was sent, for servers that work before they answer. */
  readonly answerTimeoutMs?: number;
  /** How long the answer may be; 4 MiB unless given. */
  readonly maxBytes?: number;
}

/** An answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Sends one request and reads the whole answer; every status is an answer, and no redirect is followed. A body is sent
 * with its Content-Length: `fetch` would send a stream in chunks (Deno 2.9), which Proxmox VE refuses. What answers
 * before all was sent is heard. Throws {@linkcode HttpError} in plain words when there is no answer.
 */
export async function httpRequest(request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, signal, trust } = request;
  if (signal?.aborted) throw new CancelledError();
  const stall = watchSilence(request);
  try {
    log.debug(`${method} ${showUrl(url)}`);
    const sent = await open(request, trust);
    const cancel = () => sent.destroy(new CancelledError());
    signal?.addEventListener("abort", cancel);
    try {
      if (signal?.aborted) cancel();
      return await exchange(sent, request, stall);
    } finally {
      signal?.removeEventListener("abort", cancel);
      sent.destroy();
    }
  } catch (error) {
    throw explainNoAnswer(error, url, signal);
  } finally {
    stall.stop();
  }
}

async function open(
  { method, url, headers, body, signal, stallTimeoutMs }: HttpRequest,
  trust: TlsTrust | undefined,
): Promise<ClientRequest> {
  const length = body === undefined
    ? (method === "GET" || method === "DELETE" ? undefined : 0)
    : typeof body === "string"
    ? new TextEncoder().encode(body).length
    : body.bytes;
  const options: RequestOptions = {
    method,
    agent: false,
    headers: {
      "user-agent": `pim/${version}`,
      accept: "application/json",
      connection: "close",
      ...headers,
      ...(length !== undefined && { "content-length": String(length) }),
    },
  };
  if (!url.startsWith("https:")) return (await import("node:http")).request(url, options);
  if (trust?.fingerprint !== undefined) {
    const socket = await connectPinned(url, trust.fingerprint, stallTimeoutMs ?? defaultStallMs, signal);
    // The TLS is done already: what is spoken over it is HTTP.
    return (await import("node:http")).request({
      ...options,
      ...target(url),
      // An agent, even none of those that keep connections, would make one of its own.
      agent: undefined,
      createConnection: () => socket,
    });
  }
  return (await import("node:https")).request(url, { ...options, ...(trust?.ca && { ca: trust.ca }) });
}

function target(url: string): { host: string; port: number; path: string } {
  const { hostname, port, pathname, search } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443), path: `${pathname}${search}` };
}

async function exchange(
  sent: ClientRequest,
  { body, maxBytes = defaultMaxBytes, url }: HttpRequest,
  stall: SilenceWatch,
): Promise<HttpAnswer> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    // Stays for good: a server that answers early closes while we still write.
    sent.on("error", reject);
  });
  answered.catch(() => {});
  stall.watch(sent);
  send(sent, body, stall).catch((error) => sent.destroy(error));
  const response = await answered;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response) {
    stall.heard();
    bytes += piece.length;
    if (bytes > maxBytes) {
      throw new HttpError(`${showUrl(url)} answers with more than ${maxBytes} bytes`);
    }
    pieces.push(piece);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? "",
    headers,
    text: new TextDecoder().decode(join(pieces, bytes)),
  };
}

/** Writes the body; stops without a word when the answer is there before its end. */
async function send(
  sent: ClientRequest,
  body: RequestBody | undefined,
  stall: SilenceWatch,
): Promise<void> {
  let answered = false;
  sent.once("response", () => answered = true);
  if (body !== undefined && typeof body !== "string") {
    for await (const piece of body.pieces()) {
      // A destroyed request has told its error already.
      if (answered || sent.destroyed) return;
      if (!sent.write(piece)) await roomToWrite(sent);
      stall.heard();
    }
    if (answered || sent.destroyed) return;
  }
  sent.end(typeof body === "string" ? body : undefined);
  stall.allSent();
}

function roomToWrite(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const events = ["drain", "response", "close", "error"];
    const done = () => {
      for (const event of events) sent.off(event, done);
      resolve();
    };
    for (const event of events) sent.on(event, done);
  });
}

function join(pieces: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}

const defaultStallMs = 30_000;
const defaultMaxBytes = 4 * 1024 * 1024;

interface SilenceWatch {
  watch(sent: ClientRequest): void;
  heard(): void;
  allSent(): void;
  stop(): void;
}

/** Destroys a request when nothing has moved for too long. */
function watchSilence({ stallTimeoutMs = defaultStallMs, answerTimeoutMs }: HttpRequest): SilenceWatch {
  let limitMs = stallTimeoutMs;
  let lastMs = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    watch(sent) {
      timer = setInterval(() => {
        if (performance.now() - lastMs > limitMs) sent.destroy(new Silence(limitMs));
      }, Math.max(20, Math.min(stallTimeoutMs, answerTimeoutMs ?? stallTimeoutMs) / 10));
    },
    heard: () => lastMs = performance.now(),
    allSent() {
      lastMs = performance.now();
      limitMs = answerTimeoutMs ?? stallTimeoutMs;
    },
    stop: () => clearInterval(timer),
  };
}
