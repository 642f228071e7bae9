import { HttpError, retryAfterMs, showUrl } from "./error.ts";
import type { HttpAnswer } from "./request.ts";

/** The error for an answer of an API that says no; `said` is what it says of the reason. */
export function refusal(url: string, { status, statusText, headers }: HttpAnswer, said = ""): HttpError {
  const { host } = new URL(showUrl(url));
  const reason = said.trim().replace(/\s+/g, " ").slice(0, 500);
  const words = `${status} ${statusText}`.trim();
  return new HttpError(
    `${host} answers ${words}${reason === "" || reason === statusText ? "" : `: ${reason}`}`,
    {
      status,
      retryable: status >= 500 && status !== 501 && status !== 507 || status === 429 || status === 408,
      retryAfterMs: retryAfterMs(headers),
    },
  );
}
