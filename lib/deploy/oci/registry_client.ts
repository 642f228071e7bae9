import * as v from "valibot";
import type { OpenAnswer } from "../../http/answer.ts";
import { type HttpConnections, keptConnections } from "../../http/connections.ts";
import { HttpError, statusError } from "../../http/error.ts";
import { type RetryOptions, withRetries } from "../../http/retry.ts";
import { Authorization, loginError } from "./authorization.ts";
import type { Credentials } from "./credentials.ts";
import { isLoopback } from "./reference.ts";
import { plainUrl, type RegistryRequest, sendRequest } from "./registry_request.ts";

/** How a registry is reached. */
export interface ClientOptions {
  readonly host: string;
  readonly signal: AbortSignal;
  /** Asked once, and only when the registry wants to know. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** Plain http; unless told, only where the registry is on this machine. */
  readonly insecure?: boolean;
  /** Certificates in PEM that are trusted beside the usual ones. */
  readonly caCerts?: readonly string[];
  /** The first wait before another try; 1 s unless given. */
  readonly backoffMs?: number;
}

/** What a request is beside its method and path. */
export interface RequestOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RegistryRequest["body"];
  /** Statuses that are an answer; all others are errors. */
  readonly ok: readonly number[];
  /** What the registry has to allow: "repository:team/demo:pull". */
  readonly scope: string;
}

/** An answer and where it came from. */
export interface RegistryAnswer {
  readonly response: OpenAnswer;
  readonly url: string;
}

const maxRedirects = 5;
const errorsSchema = v.object({
  errors: v.array(v.object({ code: v.string(), message: v.optional(v.string(), "") })),
});

/** Requests to one registry, with the login that it wants; dispose of it to drop its connections. */
export class RegistryClient implements Disposable {
  readonly host: string;
  readonly signal: AbortSignal;
  readonly #base: string;
  readonly #connections: HttpConnections;
  readonly #authorization: Authorization;
  readonly #retry: RetryOptions;
  #credentials: Promise<Credentials | undefined> | undefined;

  constructor(options: ClientOptions) {
    const { host, signal, caCerts } = options;
    const insecure = options.insecure ?? isLoopback(host);
    this.host = host;
    this.signal = signal;
    this.#base = `${insecure ? "http" : "https"}://${
      host === "docker.io" ? "registry-1.docker.io" : host
    }/v2/`;
    this.#connections = keptConnections(caCerts);
    this.#retry = { signal, ...(options.backoffMs !== undefined && { backoffMs: options.backoffMs }) };
    const credentials = () => this.#credentials ??= options.credentials();
    this.#authorization = new Authorization({
      ...{ host, signal, insecure, credentials },
      connections: this.#connections,
    });
    this.credentials = credentials;
  }

  /** Who we are at this registry. */
  readonly credentials: () => Promise<Credentials | undefined>;

  /** The URL of a path below /v2/, or that of a Location, which may be relative. */
  urlOf(path: string): string {
    return new URL(path, this.#base).href;
  }

  /** Tries something again while the network or the registry fails for a moment. */
  retry<T>(attempt: () => Promise<T>, hasProgress?: () => boolean): Promise<T> {
    return withRetries(attempt, { ...this.#retry, ...(hasProgress !== undefined && { hasProgress }) });
  }

  /** Sends one request; throws HttpError for every status but those that are an answer. */
  async request(
    method: RegistryRequest["method"],
    path: string,
    { headers, body, ok, scope }: RequestOptions,
  ): Promise<RegistryAnswer> {
    let url = this.urlOf(path);
    for (let redirects = 0;; redirects++) {
      const response = await this.#authorized({ method, url, headers, body, signal: this.signal }, scope);
      if (ok.includes(response.status)) return { response, url };
      const location = response.headers.get("location");
      if (method !== "GET" && method !== "HEAD" || location === null || redirects === maxRedirects) {
        throw await this.#error(response, url, method);
      }
      response.drop();
      url = redirected(url, location);
    }
  }

  async #authorized(request: RegistryRequest, scope: string): Promise<OpenAnswer> {
    // Storage elsewhere has its own signed URLs, and must not see who we are here.
    const ours = new URL(request.url).origin === new URL(this.#base).origin;
    const header = () => ours ? this.#authorization.header(scope) : undefined;
    const send = (authorization: string | undefined) => {
      const headers = { ...request.headers, ...(authorization !== undefined && { authorization }) };
      return sendRequest({ ...request, headers, connections: this.#connections });
    };
    const first = header();
    const response = await send(first);
    if (response.status !== 401 || !ours) return response;
    response.drop();
    // Also the way to a new token when the old one has expired.
    if (await this.#authorization.answer(response.headers.get("www-authenticate"), scope, first)) {
      const second = await send(header());
      if (second.status !== 401) return second;
      second.drop();
    }
    throw loginError(this.host, await this.credentials(), 401);
  }

  async #error(response: OpenAnswer, url: string, method: string): Promise<HttpError> {
    const general = statusError(plainUrl(url), response);
    const said = method === "HEAD" ? "" : await this.#said(response);
    if (method === "HEAD") response.drop();
    // All blobs were there: Docker's registry misses one for a moment while another push of it ends.
    const retryable = general.retryable || said.includes("MANIFEST_BLOB_UNKNOWN");
    const { retryAfterMs } = general;
    const { status } = response;
    return new HttpError(
      `Cannot ${method} ${plainUrl(url)}: ${this.host} answered ${status} ${response.statusText}`.trimEnd() +
        (said === "" ? "" : ` (${said})`),
      { status, retryable, retryAfterMs, hint: hintFor(status, this.host) },
    );
  }

  /** What the registry says for people, by the error codes of the OCI distribution specification. */
  async #said(response: OpenAnswer): Promise<string> {
    const text = await response.text(65_536).catch(() => "");
    try {
      const { errors } = v.parse(errorsSchema, JSON.parse(text));
      return errors.map(({ code, message }) => message === "" ? code : `${code}: ${message}`).join("; ");
    } catch {
      return "";
    }
  }

  [Symbol.dispose](): void {
    this.#connections[Symbol.dispose]();
  }
}

function redirected(from: string, location: string): string {
  const target = URL.parse(location, from);
  if (target === null || !["http:", "https:"].includes(target.protocol)) {
    throw new HttpError(`Cannot fetch ${plainUrl(from)}: it redirects to ${location}`);
  }
  if (from.startsWith("https:") && target.protocol === "http:") {
    throw new HttpError(`Cannot fetch ${plainUrl(from)}: it redirects to the unprotected ${target.origin}`);
  }
  return target.href;
}

function hintFor(status: number, host: string): string | undefined {
  if (status === 403) return `Ask whoever runs ${host} for the right to do this, or log in as somebody else.`;
  if (status === 413) {
    return "The registry takes no bodies of this size: set a smaller `chunk_mib` in targets.d.";
  }
  if (status === 429) return "The registry limits how many requests it answers: try again later.";
  if (status === 507) return `There is no room left at ${host}: the same command goes on once there is.`;
  return undefined;
}
