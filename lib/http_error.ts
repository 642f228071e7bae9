import { proxyFor } from "./proxy.ts";
import { CancelledError, exitCode, messageOf, PimError, type PimErrorOptions } from "./errors.ts";

/** A request that failed (exit code 4), and whether another try may help. */
export class HttpError extends PimError {
  override readonly name = "HttpError";
  readonly status: number | undefined;
  readonly retryable: boolean;
  /** How long the server asks us to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: PimErrorOptions & { retryable?: boolean; status?: number; retryAfterMs?: number } = {},
  ) {
    super(message, { exitCode: exitCode.download, ...options });
    this.status = options.status;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A URL without the name and password that it may carry. */
export function showUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.username === "" && parsed.password === "")) return url;
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

/** The error for an answer that says no. */
export function statusError(
  url: string,
  response: Pick<Response, "status" | "statusText" | "headers">,
): HttpError {
  const { status } = response;
  const proxy = status === 407 ? proxyFor(url) : undefined;
  const who = proxy === undefined ? "the server" : `the proxy ${proxy.host}`;
  return new HttpError(
    `Cannot fetch ${showUrl(url)}: ${who} answered ${status} ${response.statusText}`.trimEnd(),
    {
      status,
      retryable: status >= 500 || status === 429 || status === 408,
      retryAfterMs: retryAfterMs(response.headers),
      hint: status === 404 || status === 410
        ? "The file may have moved, for example because a newer release has taken its place: look at the folder in a browser."
        : proxy === undefined
        ? undefined
        : `Write the user and the password into ${proxy.variable}: http://USER:PASSWORD@${proxy.host}`,
    },
  );
}

/** How long an answer asks us to wait before we come again. */
export function retryAfterMs(headers: Headers): number | undefined {
  const after = headers.get("retry-after");
  if (after === null) return undefined;
  const seconds = /^\d+$/.test(after) ? Number(after) : (Date.parse(after) - Date.now()) / 1000;
  return seconds > 0 ? seconds * 1000 : undefined;
}

/** Turns what fetch throws into plain words. */
export function explainFailure(
  error: unknown,
  url: string,
  stalledMs: number | undefined,
  signal?: AbortSignal,
): Error {
  if (signal?.aborted) return new CancelledError();
  const { host, hostname } = new URL(url);
  const raw = error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
  const fail = (why: string, retryable: boolean, hint?: string) =>
    new HttpError(`Cannot fetch ${showUrl(url)}: ${why}`, { cause: error, retryable, hint });
  if (stalledMs !== undefined) return fail(`${host} has sent nothing for ${stalledMs / 1000} s`, true);
  const proxied = explainProxy(raw, url);
  if (proxied !== undefined) return fail(proxied.why, proxied.retryable, proxied.hint);
  if (/dns error|lookup address/i.test(raw)) {
    const hint = "Check the name in the URL and the network of this host.";
    return fail(`the host name ${hostname} cannot be resolved`, /temporary/i.test(raw), hint);
  }
  if (/refused/i.test(raw)) return fail(`${host} refuses the connection`, true);
  if (/unreachable/i.test(raw)) return fail(`${host} cannot be reached from this host's network`, true);
  if (/certificate|UnknownIssuer/i.test(raw)) {
    const hint =
      "For a certificate authority of your own, set DENO_CERT to its PEM file, or DENO_TLS_CA_STORE=system.";
    return fail(`the certificate of ${host} is not accepted (${lastPart(raw)})`, false, hint);
  }
  if (/client error \(Connect\).*corrupt message/i.test(raw)) {
    return fail(`${host} does not speak TLS`, false);
  }
  if (/timed out/i.test(raw)) return fail(`${host} does not answer`, true);
  if (/are blocked|invalid HTTP version/i.test(raw)) return fail(lastPart(raw), false);
  if (/closed|reset|broken pipe|reading a body|end of file/i.test(raw)) {
    return fail("the connection broke off", true);
  }
  return fail(raw, true);
}

/** What is wrong between us and the proxy, if there is one; what it hides behind it would be told as its own fault. */
function explainProxy(
  raw: string,
  url: string,
): { readonly why: string; readonly retryable: boolean; readonly hint: string } | undefined {
  const proxy = /client error \(Connect\)/.test(raw) ? proxyFor(url) : undefined;
  if (proxy === undefined) return undefined;
  const { host, hostname } = new URL(url);
  const hint = `Correct ${proxy.variable}, or name ${hostname} in NO_PROXY to go without a proxy.`;
  const fail = (why: string, retryable: boolean) => ({
    why: `the proxy ${proxy.host} ${why}`,
    retryable,
    hint,
  });
  if (/proxy auth/i.test(raw)) {
    return fail("asks for a user and a password, or does not take these", false);
  }
  if (/tunnel/i.test(raw)) return fail(`does not let us through to ${host}`, false);
  if (/refused/i.test(raw)) return fail("refuses the connection", true);
  if (/dns error|lookup address/i.test(raw)) return fail("cannot be found: its name does not resolve", false);
  return undefined;
}

function lastPart(text: string): string {
  return text.split(": ").at(-1) ?? text;
}
