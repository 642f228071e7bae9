import { HttpError, showUrl } from "../../http/error.ts";
import type { OpenAnswer } from "../../http/answer.ts";
import { type HttpRequest, openRequest } from "../../http/request.ts";

/** One request to a registry, or to where it sends us. */
export type RegistryRequest =
  & Pick<HttpRequest, "method" | "url" | "headers" | "body" | "connections">
  & { readonly signal: AbortSignal };

// How long a registry may be silent: some hash a large blob before they answer.
const silenceMs = 60_000;

/** Sends a request and returns its answer, whatever it is; redirects are not followed. Throws HttpError in plain words. */
export async function sendRequest(request: RegistryRequest): Promise<OpenAnswer> {
  try {
    return await openRequest({
      ...request,
      shownUrl: plainUrl(request.url),
      headers: { accept: "*/*", ...request.headers },
      stallTimeoutMs: silenceMs,
    });
  } catch (error) {
    throw ownHint(error);
  }
}

/** Says of a certificate that is not accepted what helps here. */
function ownHint(error: unknown): unknown {
  if (!(error instanceof HttpError) || !/its certificate is not accepted/.test(error.message)) return error;
  return new HttpError(error.message, {
    hint: "Name the certificate of its authority: `ca_file` in targets.d, or --ca-file where you pull.",
    cause: error.cause,
  });
}

/** A URL for messages: without what the registry keeps in its query, and without a name and a password. */
export function plainUrl(url: string): string {
  return showUrl(url).replace(/\?.*/s, "");
}
