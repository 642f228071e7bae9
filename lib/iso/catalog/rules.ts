import type { UsageError } from "../../errors.ts";

/** Who must have signed a checksum file, and where the signature is. */
export interface SignatureRule {
  /** URL or absolute path of a detached signature; the checksum file's own URL when it is signed in line. */
  readonly url: string;
  /** Fingerprints (upper-case hexadecimal, 40 or 64 digits) and absolute paths of key files; one of them must have signed. */
  readonly keys: readonly string[];
  /** Where the public key can be fetched; only a key with one of the fingerprints is taken from there. */
  readonly keyUrl: string | undefined;
}

/** How the newest release of an ISO is found. */
export interface ReleaseRule {
  /** URL of a directory listing. */
  readonly url: string;
  /** A regular expression that matches a whole name of the listing; its only group is the version. */
  readonly pattern: string;
}

/** Whether a text is a regular expression with one group. */
export function isReleasePattern(text: string): boolean {
  try {
    // An empty alternative always matches, and its match counts the groups.
    return new RegExp(`${text}|`).exec("")?.length === 2;
  } catch {
    return false;
  }
}

/** A fingerprint as OpenPGP writes it, without spaces and in upper case; undefined for other texts. */
export function fingerprintOf(text: string): string | undefined {
  const digits = text.replaceAll(/\s/g, "").replace(/^0x/i, "").toUpperCase();
  return /^([0-9A-F]{40}|[0-9A-F]{64})$/.test(digits) ? digits : undefined;
}

/** What an entry says of its signature, in the form of isos.d. */
interface SignatureFields {
  readonly checksumUrl: string | undefined;
  readonly checksum?: string | undefined;
  readonly signing_key?: string | readonly string[] | undefined;
}

/** The URLs of a signature and its key, resolved, and how a key's path is. */
interface SignaturePlaces {
  readonly url: string | undefined;
  readonly keyUrl: string | undefined;
  path(text: string): string;
}

/** The rule that an entry's signature_url, signing_key and signing_key_url make; undefined when it has none of them. */
export function signatureRule(
  fields: SignatureFields,
  places: SignaturePlaces,
  fail: (why: string, hint: string) => UsageError,
): SignatureRule | undefined {
  const keys = [fields.signing_key ?? []].flat().map((key) => fingerprintOf(key) ?? places.path(key));
  if (places.url === undefined && keys.length === 0 && places.keyUrl === undefined) return undefined;
  if (places.url === undefined) {
    throw fail("its signing_key has nothing to check", "Set `signature_url`.");
  }
  if (fields.checksumUrl === undefined) {
    throw fail("what is signed is its checksum file, which it does not name", "Set `checksum_url`.");
  }
  if (keys.length === 0) {
    throw fail("nothing says who must have signed", "Set `signing_key` to a fingerprint or a key file.");
  }
  if (places.keyUrl !== undefined && !keys.some((key) => fingerprintOf(key) !== undefined)) {
    throw fail(
      "a key from signing_key_url is only as good as its fingerprint",
      "Set `signing_key` to the key's fingerprint, all 40 digits of it.",
    );
  }
  return { url: places.url, keys, keyUrl: places.keyUrl };
}
