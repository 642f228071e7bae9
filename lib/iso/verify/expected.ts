import { exitCode, messageOf, PimError } from "../../errors.ts";
import { fetchBytes } from "../../http/get.ts";
import { showUrl } from "../../http/error.ts";
import { log } from "../../log.ts";
import { nearest } from "../../suggest.ts";
import { filenameOf, type IsoEntry, locationOf } from "../catalog/entry.ts";
import {
  type Checksum,
  type ChecksumLine,
  formatChecksum,
  parseChecksumFile,
  pickChecksum,
} from "./checksum.ts";
import { type Signer, verifySignature } from "./signature.ts";
import type { KeyPlaces } from "./signing_keys.ts";

/** How requests behave; the defaults are right except in tests. */
export interface NetworkOptions {
  signal?: AbortSignal;
  retries?: number;
  backoffMs?: number;
  stallTimeoutMs?: number;
}

/** Options of everything that asks for an ISO's checksum. */
export interface ExpectedOptions extends NetworkOptions {
  /** Where keys are looked for when the checksum must be signed: the configuration. */
  keys?: KeyPlaces;
}

/** The checksum that an ISO must have, and who vouches for it. */
export interface Expected extends Checksum {
  readonly signer?: Signer;
}

const maxChecksumFileBytes = 4 * 1024 * 1024;

/**
 * The checksum that an ISO must have: the entry's own, else from its checksum file; undefined when it has neither.
 * Where the entry says who must have signed the checksum file, that is verified first.
 */
export async function expectedChecksum(
  entry: IsoEntry,
  options: ExpectedOptions = {},
): Promise<Expected | undefined> {
  const { checksum, checksumUrl, signature } = entry;
  if (checksumUrl === undefined || (checksum !== undefined && signature === undefined)) return checksum;
  const { text, signer } = await readChecksumFile(entry, checksumUrl, options);
  const found = checksumOf(entry, checksumUrl, parseChecksumFile(text));
  return signer === undefined ? found : { ...found, signer };
}

/** The checksum of an entry's ISO among the lines of its checksum file; throws a PimError where there is none. */
export function checksumOf(
  entry: Pick<IsoEntry, "key" | "url" | "filename" | "checksum">,
  checksumUrl: string,
  lines: readonly ChecksumLine[],
): Checksum {
  const { checksum } = entry;
  // The file may be kept under a name of our own; the checksum file knows it by the name in the URL.
  const remoteName = filenameOf(entry.url);
  const comparable = lines.filter(({ algorithm }) => algorithm === (checksum?.algorithm ?? algorithm));
  const found = pickChecksum(comparable, remoteName) ?? pickChecksum(comparable, entry.filename);
  if (found === undefined) throw missingLine(entry.key, checksumUrl, remoteName, lines);
  if (checksum === undefined || checksum.hash === found.hash) return found;
  throw new PimError(
    `${showUrl(checksumUrl)} says that ${remoteName} has ${formatChecksum(found)}, ` +
      `but the entry ${entry.key} says ${formatChecksum(checksum)}`,
    {
      exitCode: exitCode.checksum,
      hint: "Correct `checksum` in isos.d, or leave it out: the file is signed.",
    },
  );
}

function missingLine(
  key: string,
  checksumUrl: string,
  remoteName: string,
  lines: readonly ChecksumLine[],
): PimError {
  const names = lines.map((line) => line.filename).filter((name) => name !== undefined);
  const near = nearest(remoteName, names);
  return new PimError(
    `Cannot verify ${key}: ${showUrl(checksumUrl)} has no SHA-256 or SHA-512 checksum of ${remoteName}`,
    {
      exitCode: exitCode.checksum,
      hint: near === undefined
        ? "Correct `url` or `checksum_url` of this ISO in isos.d."
        : `It has one of ${near}: perhaps a newer release. Correct \`url\` of this ISO in isos.d.`,
    },
  );
}

/** The text of an entry's checksum file, of which only what was signed is left where it must be signed. */
async function readChecksumFile(
  { key, signature }: IsoEntry,
  url: string,
  options: ExpectedOptions,
): Promise<{ readonly text: string; readonly signer?: Signer }> {
  const content = await readDocument(key, "checksum file", url, options);
  if (signature === undefined) return { text: new TextDecoder().decode(content) };
  const detached = signature.url === url
    ? undefined
    : await readDocument(key, "signature", signature.url, options);
  const { signed, signer } = await verifySignature(url, { content, signature: detached }, signature, options);
  log.info(`${key}: ${filenameOf(url)} is signed by ${signer.userId} (${signer.fingerprint})`);
  return { text: new TextDecoder().decode(signed), signer };
}

async function readDocument(
  key: string,
  what: string,
  url: string,
  options: NetworkOptions,
): Promise<Uint8Array> {
  const location = locationOf({ url });
  if (location.kind === "http") {
    // Where nothing else vouches for a checksum, it must not take an unprotected way.
    return await fetchBytes(url, { ...options, maxBytes: maxChecksumFileBytes, keepHttps: true });
  }
  try {
    return await Deno.readFile(location.path);
  } catch (cause) {
    throw new PimError(`Cannot read the ${what} of ${key}: ${messageOf(cause)}`, {
      cause,
      exitCode: exitCode.download,
    });
  }
}
