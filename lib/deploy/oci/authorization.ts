import * as v from "valibot";
import type { HttpConnections } from "../../http/connections.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import { hideSecret } from "../../log.ts";
import type { Credentials } from "./credentials.ts";
import { isLoopback } from "./reference.ts";
import { sendRequest } from "./registry_request.ts";

/** What proving who one is needs. */
export interface AuthorizationOptions {
  readonly host: string;
  readonly credentials: () => Promise<Credentials | undefined>;
  readonly signal: AbortSignal;
  readonly connections: HttpConnections;
  readonly insecure: boolean;
}

interface Token {
  readonly header: string;
  readonly untilMs: number;
}

const tokenSchema = v.object({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
  expires_in: v.optional(v.number()),
});

// "clients which do not get expires_in should assume 60 seconds": https://distribution.github.io/distribution/spec/auth/token
const usualLifeS = 60;

/** Proves to a registry who we are: nobody, by name and password, or by tokens of the registry's own token server. */
export class Authorization {
  readonly #tokens = new Map<string, Token>();
  readonly #pending = new Map<string, Promise<void>>();

  constructor(readonly options: AuthorizationOptions) {}

  /** The header for requests in a scope, as far as one is known to be wanted. */
  header(scope: string): string | undefined {
    const token = this.#tokens.get(scope) ?? this.#tokens.get("");
    return token !== undefined && token.untilMs > Date.now() ? token.header : undefined;
  }

  /**
   * Gets what a 401 answer asks for; several that ask at once get one token. False when there is no way to.
   *
   * @param refused the header that the answer was to
   */
  async answer(challenge: string | null, scope: string, refused: string | undefined): Promise<boolean> {
    const now = this.header(scope);
    if (now !== undefined && now !== refused) return true;
    const { scheme, parameters } = readChallenge(challenge ?? "");
    if (scheme === "basic") return await this.#basic();
    if (scheme !== "bearer" || parameters.realm === undefined) return false;
    const pending = this.#pending.get(scope) ?? this.#fetchToken(parameters, scope);
    this.#pending.set(scope, pending);
    try {
      await pending;
    } finally {
      this.#pending.delete(scope);
    }
    return true;
  }

  async #basic(): Promise<boolean> {
    const credentials = await this.options.credentials();
    if (credentials === undefined || "identityToken" in credentials) return false;
    this.#tokens.set("", { header: basicHeader(credentials), untilMs: Infinity });
    return true;
  }

  async #fetchToken({ realm, service }: Readonly<Record<string, string>>, scope: string): Promise<void> {
    const { host, signal, connections } = this.options;
    const url = URL.parse(realm ?? "");
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      throw new HttpError(`Cannot log in at ${host}: it names no token server (${realm})`);
    }
    const credentials = await this.options.credentials();
    if (
      credentials !== undefined && url.protocol === "http:" && !this.options.insecure && !isLoopback(url.host)
    ) {
      throw new HttpError(
        `Cannot log in at ${host}: it wants the password sent unprotected, to ${url.origin}`,
      );
    }
    const request = tokenRequest(url, service, scope, credentials);
    const response = await sendRequest({ ...request, signal, connections });
    const text = await response.text();
    if (response.status < 200 || response.status > 299) {
      throw this.#refused(response.status, url.href, credentials);
    }
    const { header, lifeS } = readToken(text, showUrl(url.origin + url.pathname));
    // A little earlier than it ends: the request has to arrive in time.
    this.#tokens.set(scope, { header, untilMs: Date.now() + Math.max(lifeS - 5, 1) * 1000 });
  }

  #refused(status: number, url: string, credentials: Credentials | undefined): HttpError {
    const { host } = this.options;
    if (status === 401 || status === 403 || status === 400) return loginError(host, credentials, status);
    const at = new URL(url).host;
    return new HttpError(`Cannot log in at ${host}: its token server ${at} answered ${status}`, {
      status,
      retryable: status >= 500 || status === 429,
    });
  }
}

/** The error of who is not let in. */
export function loginError(host: string, credentials: Credentials | undefined, status: number): HttpError {
  if (credentials === undefined) {
    return new HttpError(`${host} wants a login`, {
      status,
      hint: `Log in (podman login ${host}), or name \`username\` and \`password\` in targets.d.`,
    });
  }
  const who = "username" in credentials ? credentials.username : "the stored identity token";
  return new HttpError(`${host} does not accept the credentials of ${who}`, {
    status,
    hint: `Look at the name and the password, or log in anew: podman login ${host}`,
  });
}

/** Reads WWW-Authenticate: its scheme in lower case, and its parameters. */
export function readChallenge(
  text: string,
): { readonly scheme: string; readonly parameters: Readonly<Record<string, string>> } {
  const [, scheme = "", rest = ""] = /^\s*(\w+)\s*(.*)$/s.exec(text) ?? [];
  const pairs = [...rest.matchAll(/(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)];
  return {
    scheme: scheme.toLowerCase(),
    parameters: Object.fromEntries(
      pairs.map(([, key = "", quoted, plain = ""]) => [key, quoted?.replace(/\\(.)/g, "$1") ?? plain]),
    ),
  };
}

function tokenRequest(
  realm: URL,
  service: string | undefined,
  scope: string,
  credentials: Credentials | undefined,
): Pick<Parameters<typeof sendRequest>[0], "method" | "url" | "headers" | "body"> {
  if (credentials !== undefined && "identityToken" in credentials) {
    const form = new URLSearchParams({ grant_type: "refresh_token", client_id: "pim", scope });
    form.set("refresh_token", credentials.identityToken);
    if (service !== undefined) form.set("service", service);
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return { method: "POST", url: realm.href, headers, body: form.toString() };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  for (const each of scope.split(" ")) url.searchParams.append("scope", each);
  return {
    method: "GET",
    url: url.href,
    ...(credentials !== undefined && { headers: { authorization: basicHeader(credentials) } }),
  };
}

function readToken(text: string, url: string): { readonly header: string; readonly lifeS: number } {
  try {
    const { token, access_token, expires_in } = v.parse(tokenSchema, JSON.parse(text));
    const value = token ?? access_token;
    if (value) {
      hideSecret(value);
      return { header: `Bearer ${value}`, lifeS: expires_in ?? usualLifeS };
    }
  } catch {
    // Said below. The text is not shown: it may hold a token.
  }
  throw new HttpError(`Cannot log in: the token server ${url} gave no token`);
}

function basicHeader({ username, password }: { username: string; password: string }): string {
  const bytes = new TextEncoder().encode(`${username}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
