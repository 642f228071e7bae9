import { CancelledError, messageOf, PimError } from "../errors.ts";
import { HttpError } from "./error.ts";
import { type ProxyFault, proxyFault } from "./proxy.ts";

/** Nothing was sent or taken for too long. */
export class Silence extends Error {
  override readonly name = "Silence";

  constructor(readonly afterMs: number) {
    super(`nothing for ${afterMs} ms`);
  }
}

const codes: readonly (readonly [RegExp, string, boolean])[] = [
  [/^ENOTFOUND$/, "its name cannot be resolved", false],
  [/^EAI_AGAIN$/, "its name cannot be resolved now", true],
  [/^ECONNREFUSED$/, "it refuses the connection", true],
  [/^E(HOST|NET)UNREACH$/, "it cannot be reached from this host's network", true],
  [/^ETIMEDOUT$/, "it does not answer", true],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, "the connection broke off", true],
  [/^HPE_/, "what answers there does not speak HTTP", false],
  [/^ERR_SSL_/, "it does not speak TLS as pim does", false],
];

/** The request that had no answer. */
export interface Unanswered {
  readonly url: string;
  readonly signal?: AbortSignal | undefined;
  /** Whether it went by the proxy of the environment, if that names one. */
  readonly proxied?: boolean;
}

/** Puts what Node's HTTP client throws into plain words; errors that are plain already stay as they are. */
export function explainNoAnswer(error: unknown, { url, signal, proxied = false }: Unanswered): Error {
  if (signal?.aborted) return new CancelledError();
  if (error instanceof PimError) return error;
  const { host } = new URL(url);
  const fail = (why: string, retryable: boolean, hint?: string) =>
    new HttpError(`No answer from ${host}: ${why}`, { cause: error, retryable, hint });
  if (error instanceof Silence) return fail(`nothing has moved for ${error.afterMs / 1000} s`, true);
  const proxy = proxied ? explainProxy(error, url) : undefined;
  if (proxy !== undefined) return fail(proxy.why, proxy.retryable, proxy.hint);
  const code = String((error as { code?: unknown }).code ?? "");
  const message = messageOf(error);
  if (/CERT|SIGNATURE|SELF_SIGNED|ALTNAME/.test(code) || /certificate|UnknownIssuer/i.test(message)) {
    return fail(
      `its certificate is not accepted (${message})`,
      false,
      "Name the PEM file of its certificate authority (ca_file), or its fingerprint where there is such a setting.",
    );
  }
  const known = codes.find(([pattern]) => pattern.test(code));
  if (known !== undefined) return fail(known[1], known[2]);
  if (/socket hang up|aborted|closed/i.test(message)) return fail("the connection broke off", true);
  return fail(message, true);
}

/** What is wrong with the proxy, by the error's code. */
function explainProxy(error: unknown, url: string): ProxyFault | undefined {
  const fault = proxyFault(url);
  if (fault === undefined) return undefined;
  const code = String((error as { code?: unknown }).code ?? "");
  if (code === "ERR_PROXY_TUNNEL") {
    return / 407\b/.test(messageOf(error))
      ? fault("asks for a user and a password, or does not take these", false)
      : fault(`does not let us through to ${new URL(url).host}`, false);
  }
  if (code.startsWith("ERR_PROXY_")) return fault(`cannot be used: ${messageOf(error)}`, false);
  if (code === "ECONNREFUSED") return fault("refuses the connection", true);
  if (code === "ENOTFOUND") return fault("cannot be found: its name does not resolve", false);
  return undefined;
}
