import { CancelledError, messageOf, PimError } from "./errors.ts";
import { HttpError } from "./http_error.ts";

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

/** Puts what Node's HTTP client throws into plain words; errors that are plain already stay as they are. */
export function explainNoAnswer(error: unknown, url: string, signal?: AbortSignal): Error {
  if (signal?.aborted) return new CancelledError();
  if (error instanceof PimError) return error;
  const { host } = new URL(url);
  const fail = (why: string, retryable: boolean, hint?: string) =>
    new HttpError(`No answer from ${host}: ${why}`, { cause: error, retryable, hint });
  if (error instanceof Silence) return fail(`nothing has moved for ${error.afterMs / 1000} s`, true);
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
