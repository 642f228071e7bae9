import { exitCode, PimError } from "../../errors.ts";
import { showUrl } from "../../http/error.ts";
import type { SignatureRule } from "../catalog/rules.ts";
import type { SignatureJudgement } from "./gpg_status.ts";

const reasons: Record<SignatureJudgement["verdict"], string> = {
  good: "its key is none of those that the entry allows",
  bad: "it was changed after it was signed, or the signature is of another file",
  expired: "the signature has expired",
  "expired-key": "the key has expired",
  "revoked-key": "the key was revoked",
  weak: "it was made with a broken hash algorithm",
  "no-key": "it was made by another key",
  broken: "gpgv cannot read it",
};

/** The error for a signature that is not accepted; without a judgement no key for it was found. */
export function signatureError(
  what: string,
  rule: SignatureRule,
  judgement: SignatureJudgement | undefined,
): PimError {
  const allowed = rule.keys.join(" or ");
  if (judgement === undefined) {
    return new PimError(
      `Cannot verify the signature of ${showUrl(what)}: the key ${allowed} is nowhere here`,
      {
        exitCode: exitCode.checksum,
        hint:
          "Put it into keys.d beside isos.d (NAME.asc or NAME.gpg), or say where it is with `signing_key_url`.",
      },
    );
  }
  const { verdict, userId, fingerprint } = judgement;
  const by = [userId, fingerprint].filter((each) => each !== undefined).join(", ");
  return new PimError(
    `The signature of ${showUrl(what)}${by === "" ? "" : ` by ${by}`} is not accepted: ${reasons[verdict]}`,
    { exitCode: exitCode.checksum, hint: hintFor(verdict, allowed) },
  );
}

function hintFor(verdict: SignatureJudgement["verdict"], allowed: string): string {
  if (verdict === "expired-key") {
    return "If its owner has extended it, put the newer key into keys.d beside isos.d.";
  }
  if (verdict === "no-key" || verdict === "good") {
    return `The entry allows ${allowed}. Change \`signing_key\` only if the distribution says that it has a new key.`;
  }
  return "Do not use the ISO before you know why: ask the distribution, or try another mirror.";
}
