import { removeIfThere } from "../../files.ts";
import { log } from "../../log.ts";
import type { SignatureRule } from "../catalog/rules.ts";
import type { NetworkOptions } from "./expected.ts";
import type { SignatureJudgement } from "./gpg_status.ts";
import { checkGpgv, runGpgv, type SignedContent } from "./gpgv.ts";
import { signatureError } from "./signature_error.ts";
import { detachedSignature, inlinePart } from "./signed_part.ts";
import { type KeyPlaces, type KeySource, localKeys, remoteKeys } from "./signing_keys.ts";

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
  const search = { rule, places: options.keys, workDir: work.path, network: options };
  const trial = { what, rule, content: clean, signal: options.signal };
  const here = await tryKeys(localKeys(search), trial);
  if (here.verified !== undefined) return here.verified;
  // Another place may have the key with a later expiry, or have it at all.
  const fetched = await tryKeys(remoteKeys(search), trial);
  if (fetched.verified !== undefined) return fetched.verified;
  throw signatureError(what, rule, worse(here.failed, fetched.failed));
}

/** What is tried with the keys of each place. */
interface Trial {
  readonly what: string;
  readonly rule: SignatureRule;
  readonly content: SignedContent;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks for a key with which the signature holds. All places are asked, since a later one may know that a key was
 * revoked: then, and where one of several signatures is wrong, it throws, whatever else holds.
 */
async function tryKeys(
  sources: AsyncIterable<KeySource>,
  { what, rule, content, signal }: Trial,
): Promise<{ readonly verified?: Verified; readonly failed?: SignatureJudgement }> {
  let verified: Verified | undefined;
  let failed: SignatureJudgement | undefined;
  for await (const { place, keyrings, allows } of sources) {
    await using folder = await privateFolder();
    const { judgements, signed } = await runGpgv(content, keyrings, folder.path, signal);
    log.debug(`${what}: ${judgements.map(({ verdict }) => verdict).join(", ")}, by the keys of ${place}`);
    const counts = (each: SignatureJudgement) => fingerprintsOf(each).some(allows);
    const final = judgements.find((each) =>
      each.verdict === "bad" || (each.verdict === "revoked-key" && counts(each))
    );
    if (final !== undefined) throw signatureError(what, rule, final);
    const good = judgements.find((each) => each.verdict === "good" && counts(each));
    if (good !== undefined) verified ??= { signed, signer: signerOf(good) };
    failed = worse(
      failed,
      judgements.find(({ verdict }) => verdict !== "no-key") ?? judgements[0] ?? unreadable,
    );
  }
  return { verified, failed };
}

/** The judgement that says more: that a key is missing says least. */
function worse(
  first: SignatureJudgement | undefined,
  second: SignatureJudgement | undefined,
): SignatureJudgement | undefined {
  return first === undefined || (first.verdict === "no-key" && second !== undefined) ? second : first;
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

/** A folder that only we can read, and that is gone at the end. */
async function privateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "pim-signature-" });
  return { path, [Symbol.asyncDispose]: () => removeIfThere(path) };
}
