import { Buffer } from "node:buffer";
import { exitCode, PimError } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import { showUrl } from "../../http_error.ts";
import { log } from "../../log.ts";
import type { SignatureRule } from "../catalog/rules.ts";
import type { NetworkOptions } from "./expected.ts";
import type { SignatureJudgement } from "./gpg_status.ts";
import { checkGpgv, runGpgv, type SignedContent } from "./gpgv.ts";
import { dearmor, packetTag, readPackets } from "./openpgp.ts";
import { type KeyPlaces, keySources } from "./signing_keys.ts";

/** Who vouches for a checksum file. */
export interface Signer {
  /** Of the primary key. */
  readonly fingerprint: string;
  readonly userId: string;
  /** When the signature was made, in ISO 8601. */
  readonly madeAt: string;
}

/** A signature that holds. */
export interface Verified {
  /** What was signed, and nothing else. */
  readonly signed: Uint8Array;
  readonly signer: Signer;
}

/** Options of {@linkcode verifySignature}. */
export interface SignatureOptions extends NetworkOptions {
  keys?: KeyPlaces;
}

/**
 * Makes sure that content was signed by one of the keys that a rule allows; throws a PimError with exit code 5 when it
 * was not. Without a signature the content must carry it in line.
 *
 * @param what the content's URL, for messages
 */
export async function verifySignature(
  what: string,
  content: SignedContent,
  rule: SignatureRule,
  options: SignatureOptions = {},
): Promise<Verified> {
  await checkGpgv();
  const clean = content.signature === undefined
    ? { content: inlinePart(what, content.content), signature: undefined }
    : { ...content, signature: detachedSignature(rule.url, content.signature) };
  await using work = await privateFolder();
  let worst: SignatureJudgement | undefined;
  const search = { rule, places: options.keys, workDir: work.path, network: options };
  for await (const { place, keyrings, allows } of keySources(search)) {
    await using run = await privateFolder();
    const { judgements, signed } = await runGpgv(clean, keyrings, run.path, options.signal);
    log.debug(`${what}: ${judgements.map(({ verdict }) => verdict).join(", ")}, by the keys of ${place}`);
    // One that is wrong outweighs one that holds: the content is not what somebody whom the rule trusts has signed.
    const final = judgements.find(({ verdict }) => verdict === "bad" || verdict === "revoked-key");
    if (final !== undefined) throw signatureError(what, rule, final);
    const good = judgements.find((each) => each.verdict === "good" && fingerprintsOf(each).some(allows));
    if (good !== undefined) return { signed, signer: signerOf(good) };
    // Another place may have the key with a later expiry, or have it at all.
    const failed = judgements.find(({ verdict }) => verdict !== "no-key") ?? judgements[0] ?? unreadable;
    if (worst === undefined || worst.verdict === "no-key") worst = failed;
  }
  throw signatureError(what, rule, worst);
}

const unreadable: SignatureJudgement = {
  verdict: "broken",
  fingerprint: undefined,
  primaryFingerprint: undefined,
  userId: undefined,
  madeAt: undefined,
};

function fingerprintsOf({ fingerprint, primaryFingerprint }: SignatureJudgement): readonly string[] {
  return [fingerprint, primaryFingerprint].filter((each) => each !== undefined);
}

function signerOf(good: SignatureJudgement): Signer {
  return {
    fingerprint: good.primaryFingerprint ?? "",
    userId: good.userId ?? "",
    madeAt: good.madeAt ?? "",
  };
}

const begin = "-----BEGIN PGP SIGNED MESSAGE-----";

/** The signed part of a text with a signature in line; what stands around it must not come near gpgv. */
function inlinePart(what: string, content: Uint8Array): Uint8Array {
  const text = Buffer.from(content).toString("latin1");
  const [part, ...more] = text.match(
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?$[^]*?^-----END PGP SIGNATURE-----\r?$/gm,
  ) ?? [];
  if (part !== undefined && more.length === 0 && part.split(begin).length === 2) {
    return Buffer.from(`${part}\n`, "latin1");
  }
  const why = part === undefined ? "it carries no signature" : "it has several signed parts";
  throw new PimError(`Cannot verify ${showUrl(what)}: ${why}`, {
    exitCode: exitCode.checksum,
    hint: "Set `signature_url` of this ISO in isos.d to where the signature is.",
  });
}

/** A detached signature without its armour; a message that brings its own content is none. */
function detachedSignature(url: string, bytes: Uint8Array): Uint8Array {
  const signature = dearmor(bytes, "SIGNATURE");
  const packets = readPackets(signature);
  if (packets?.every(({ tag }) => tag === packetTag.signature)) return signature;
  throw new PimError(`${showUrl(url)} is no detached signature`, {
    exitCode: exitCode.checksum,
    hint:
      "Correct `signature_url` of this ISO in isos.d; for a file that is signed in line it is the file's own URL.",
  });
}

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

function signatureError(
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

/** A folder that only we can read, and that is gone at the end. */
async function privateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "pim-signature-" });
  return { path, [Symbol.asyncDispose]: () => removeIfThere(path) };
}
