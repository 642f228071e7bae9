import { randomBytes } from "node:crypto";
import { CancelledError, HostError, messageOf, PimError } from "../errors.ts";
import type { Answer } from "./answers.ts";

/** One request as it was answered. */
export interface SeedRequest {
  /** Address of the client. */
  readonly client: string;
  readonly method: string;
  /** The URL path without the server's prefix; what was asked for as it stands when the prefix was wrong. */
  readonly path: string;
  readonly status: number;
  /** Size of the body. */
  readonly bytes: number;
  readonly timeMs: number;
  /** Why it failed, for status 500. */
  readonly error?: string;
}

/** Options of {@linkcode startSeedServer}. */
export interface SeedServerOptions {
  /**
   * The file at a URL path, or undefined for 404. It is asked anew for each request; paths come straight from the
   * network and must be looked up, never joined to a folder.
   *
   * @param baseUrl the server as this client reaches it
   */
  readonly answer: (path: string, baseUrl: string) => Answer | undefined | Promise<Answer | undefined>;
  /** Address to listen on. Default 127.0.0.1. */
  readonly bind?: string;
  /** TCP port; 0, the default, takes a free one. */
  readonly port?: number;
  /** Path under which everything lies, such as {@linkcode randomPrefix} makes. Default none. */
  readonly prefix?: string;
  readonly onRequest?: (request: SeedRequest) => void;
  /** Ends the server. */
  readonly signal?: AbortSignal;
}

/** A running seed server. */
export interface SeedServer extends AsyncDisposable {
  readonly port: number;
  readonly prefix: string;
  /** What was asked for so far, the last 1000 requests. */
  readonly requests: readonly SeedRequest[];
  /** The base URL under a host's name or address, without a slash at its end. Guests of QEMU's user network see 10.0.2.2. */
  baseUrl(host?: string): string;
  /** From now on called with each request as it was answered, until disposed of. */
  onRequest(listener: (request: SeedRequest) => void): Disposable;
  /** Settles when the server has ended. */
  readonly finished: Promise<void>;
}

/** Address under which guests of QEMU's user network reach the host's loopback. */
export const guestHost = "10.0.2.2";

/** A path that nobody can guess: 128 random bits. */
export function randomPrefix(): string {
  return `/${randomBytes(16).toString("hex")}`;
}

const keptRequests = 1000;

/** Starts the seed server. Rejects with {@linkcode HostError} when the address cannot be taken. */
export function startSeedServer(options: SeedServerOptions): Promise<SeedServer> {
  return new Promise((resolve) => resolve(serve(options)));
}

function serve(options: SeedServerOptions): SeedServer {
  const { bind = "127.0.0.1", prefix = "", signal } = options;
  if (signal?.aborted) throw new CancelledError();
  const requests: SeedRequest[] = [];
  const listeners = new Set<(request: SeedRequest) => void>();
  if (options.onRequest !== undefined) listeners.add(options.onRequest);
  const stop = new AbortController();
  const server = listen(bind, options.port ?? 0, stop.signal, async (request, client) => {
    const began = performance.now();
    const { response, path, error } = await respond(request, prefix, options.answer);
    const bytes = Number(response.headers.get("content-length") ?? 0);
    const timeMs = performance.now() - began;
    const record = { client, method: request.method, path, status: response.status, bytes, timeMs, error };
    requests.push(record);
    if (requests.length > keptRequests) requests.shift();
    for (const listener of listeners) listener(record);
    return response;
  });
  const end = () => stop.abort();
  signal?.addEventListener("abort", end, { once: true });
  const finished = server.finished.finally(() => signal?.removeEventListener("abort", end));
  const { port } = server.addr as Deno.NetAddr;
  return {
    port,
    prefix,
    requests,
    baseUrl: (host = bind) => `http://${host.includes(":") ? `[${host}]` : host}:${port}${prefix}`,
    onRequest(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    finished,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await finished;
    },
  };
}

function listen(
  hostname: string,
  port: number,
  signal: AbortSignal,
  handle: (request: Request, client: string) => Promise<Response>,
): Deno.HttpServer {
  try {
    return Deno.serve(
      { hostname, port, signal, onListen: () => {} },
      (request, info) => handle(request, (info.remoteAddr as Deno.NetAddr).hostname),
    );
  } catch (cause) {
    throw cannotListen(hostname, port, cause);
  }
}

function cannotListen(hostname: string, port: number, cause: unknown): HostError {
  const where = `${hostname}:${port}`;
  if (cause instanceof Deno.errors.AddrInUse) {
    return new HostError(`Cannot serve on ${where}: the port is taken by another program`, {
      cause,
      hint: "Take another one with --port, or any free one with --port 0.",
    });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new HostError(`Cannot serve on ${where}: ports below 1024 are for root only`, {
      cause,
      hint: "Take another one with --port 8080.",
    });
  }
  return new HostError(`Cannot serve on ${where}: ${messageOf(cause)}`, {
    cause,
    hint: "--bind takes an address of this host: 127.0.0.1, or 0.0.0.0 for all of them.",
  });
}

interface Responded {
  readonly response: Response;
  readonly path: string;
  readonly error?: string;
}

async function respond(
  request: Request,
  prefix: string,
  answer: SeedServerOptions["answer"],
): Promise<Responded> {
  const url = new URL(request.url);
  const path = url.pathname;
  if (!path.startsWith(`${prefix}/`)) return { response: plain(404, "Not found\n"), path };
  const inner = path.slice(prefix.length);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { response: plain(405, "Only GET and HEAD\n", { allow: "GET, HEAD" }), path: inner };
  }
  try {
    // The host is what this client called us by, checked by the URL parser.
    const found = await answer(inner, `http://${url.host}${prefix}`);
    if (found === undefined) return { response: plain(404, "Not found\n"), path: inner };
    const body = new TextEncoder().encode(found.body);
    const headers = {
      "content-type": found.contentType,
      "content-length": String(body.length),
      "cache-control": "no-store",
    };
    return { response: new Response(request.method === "HEAD" ? null : body, { headers }), path: inner };
  } catch (cause) {
    const hint = cause instanceof PimError && cause.hint !== undefined ? `\n${cause.hint}` : "";
    const error = messageOf(cause) + hint;
    return { response: plain(500, `${error}\n`), path: inner, error };
  }
}

function plain(status: number, text: string, headers: Record<string, string> = {}): Response {
  const body = new TextEncoder().encode(text);
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "content-length": String(body.length),
      ...headers,
    },
  });
}
