import { exitCode, PimError, type PimErrorOptions } from "../errors.ts";
import { proxyFor } from "./proxy.ts";

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
