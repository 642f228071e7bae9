import { exitCode, messageOf, PimError } from "../../errors.ts";
import { fetchText } from "../../http.ts";
import { nearest } from "../../suggest.ts";
import { type IsoEntry, locationOf } from "../catalog/entry.ts";
import { type Checksum, parseChecksumFile, pickChecksum } from "./checksum.ts";

/** How requests behave; the defaults are right except in tests. */
export interface NetworkOptions {
  signal?: AbortSignal;
  retries?: number;
  backoffMs?: number;
  stallTimeoutMs?: number;
}

const maxChecksumFileBytes = 4 * 1024 * 1024;

/** The checksum that an ISO must have: the entry's own, else from its checksum file; undefined when it has neither. */
export async function expectedChecksum(
  entry: IsoEntry,
  options: NetworkOptions = {},
): Promise<Checksum | undefined> {
  if (entry.checksum !== undefined) return entry.checksum;
  if (entry.checksumUrl === undefined) return undefined;
  const lines = parseChecksumFile(await readChecksumFile(entry, entry.checksumUrl, options));
  // The file may be kept under a name of our own; the checksum file knows it by the name in the URL.
  const remoteName = decodeURIComponent(entry.url.split(/[?#]/)[0]?.split("/").at(-1) ?? "");
  const found = pickChecksum(lines, remoteName) ?? pickChecksum(lines, entry.filename);
  if (found !== undefined) return found;
  const names = lines.map((line) => line.filename).filter((name) => name !== undefined);
  const near = nearest(remoteName, names);
  throw new PimError(
    `Cannot verify ${entry.key}: ${entry.checksumUrl} has no SHA-256 or SHA-512 checksum of ${remoteName}`,
    {
      exitCode: exitCode.checksum,
      hint: near === undefined
        ? "Correct `url` or `checksum_url` of this ISO in isos.d."
        : `It has one of ${near}: perhaps a newer release. Correct \`url\` of this ISO in isos.d.`,
    },
  );
}

async function readChecksumFile(entry: IsoEntry, url: string, options: NetworkOptions): Promise<string> {
  const location = locationOf({ url });
  if (location.kind === "http") {
    // Nothing else vouches for a checksum, so it must not take an unprotected way.
    return await fetchText(url, { ...options, maxBytes: maxChecksumFileBytes, keepHttps: true });
  }
  try {
    return await Deno.readTextFile(location.path);
  } catch (cause) {
    throw new PimError(`Cannot read the checksum file of ${entry.key}: ${messageOf(cause)}`, {
      cause,
      exitCode: exitCode.download,
    });
  }
}
