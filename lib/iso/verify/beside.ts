import { fetchText } from "../../http/get.ts";
import { HttpError } from "../../http/error.ts";
import { filenameOf } from "../catalog/entry.ts";
import { listingNames } from "../catalog/listing.ts";
import { type Checksum, parseChecksumFile, pickChecksum } from "./checksum.ts";
import type { NetworkOptions } from "./expected.ts";

/** A checksum file that lies beside an ISO. */
export interface ChecksumBeside {
  readonly url: string;
  /** What it says of the ISO. */
  readonly checksum: Checksum;
  /** Where it is signed: its own URL when it is signed in line; undefined when no signature was seen. */
  readonly signatureUrl: string | undefined;
}

const maxListingBytes = 8 * 1024 * 1024;
const maxChecksumFileBytes = 4 * 1024 * 1024;

/** Looks for a checksum file in the folder of an ISO that has a line for it; undefined when there is none. */
export async function findChecksumBeside(
  isoUrl: string,
  options: NetworkOptions = {},
): Promise<ChecksumBeside | undefined> {
  const folder = new URL(".", isoUrl);
  folder.search = "";
  const name = filenameOf(isoUrl);
  const listing = await textIfThere(folder.href, { ...options, maxBytes: maxListingBytes });
  const listed = listing === undefined ? [] : listingNames(listing, folder.href);
  for (const candidate of checksumNames(name, listed)) {
    const url = new URL(candidate.split("/").map(encodeURIComponent).join("/"), folder).href;
    const text = await textIfThere(url, { ...options, maxBytes: maxChecksumFileBytes });
    const checksum = text === undefined ? undefined : pickChecksum(parseChecksumFile(text), name);
    if (text === undefined || checksum === undefined) continue;
    return { url, checksum, signatureUrl: signatureOf(url, candidate, text, listed) };
  }
  return undefined;
}

/** The names that a checksum file of an ISO may have, the likely ones first; of those in a listing, when there is one. */
function checksumNames(iso: string, listed: readonly string[]): readonly string[] {
  const usual = [
    ...["SHA256SUMS", "SHA512SUMS", "CHECKSUM", `${iso}.sha256`, `${iso}.sha512`],
    ...[`${iso}.CHECKSUM`, `${iso}.sha256sum`, "SHA256SUMS.txt", "sha256sums.txt", "sha256sum.txt"],
  ];
  // Fedora's and FreeBSD's names have the release in them.
  const named = listed.filter((name) => /-CHECKSUM$|^CHECKSUM\.SHA(256|512)-/.test(name));
  const seen = [...usual.filter((name) => listed.includes(name)), ...named];
  return seen.length > 0 ? seen : usual;
}

function signatureOf(
  url: string,
  name: string,
  text: string,
  listed: readonly string[],
): string | undefined {
  if (/^-----BEGIN PGP SIGNED MESSAGE-----/m.test(text)) return url;
  const ending = [".sign", ".gpg", ".asc", ".sig"].find((each) => listed.includes(name + each));
  return ending === undefined ? undefined : url + ending;
}

/** The text of a document; undefined when the server says that there is none. */
async function textIfThere(
  url: string,
  options: NetworkOptions & { maxBytes: number },
): Promise<string | undefined> {
  try {
    return await fetchText(url, { ...options, keepHttps: true });
  } catch (error) {
    if (error instanceof HttpError && error.status !== undefined && error.status < 500) return undefined;
    throw error;
  }
}
