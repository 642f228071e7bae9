import { CancelledError, messageOf } from "../errors.ts";
import { HttpError, showUrl } from "./error.ts";
import { type ProxyFault, proxyFault } from "./proxy.ts";

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

/** What is wrong with the proxy, by what the runtime says of a connection. */
function explainProxy(raw: string, url: string): ProxyFault | undefined {
  const fault = /client error \(Connect\)/.test(raw) ? proxyFault(url) : undefined;
  if (fault === undefined) return undefined;
  if (/proxy auth/i.test(raw)) return fault("asks for a user and a password, or does not take these", false);
  if (/tunnel/i.test(raw)) return fault(`does not let us through to ${new URL(url).host}`, false);
  if (/refused/i.test(raw)) return fault("refuses the connection", true);
  if (/dns error|lookup address/i.test(raw)) {
    return fault("cannot be found: its name does not resolve", false);
  }
  return undefined;
}

function lastPart(text: string): string {
  return text.split(": ").at(-1) ?? text;
}
