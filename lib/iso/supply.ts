import { log } from "../log.ts";
import { type IsoEntry, locationOf } from "./catalog/entry.ts";
import { downloadIso } from "./download/download.ts";
import { isoPath } from "./record.ts";
import { isoStatus } from "./status.ts";
import { type IsoFile, type IsoOptions, verifyIso, warnUnverified } from "./verify/verify.ts";

/**
 * The file of an ISO, ready to use: the verified one that is there, or a fresh download.
 * A verified file needs no network. A file used in place is verified and never replaced.
 */
export async function ensureIso(
  entry: IsoEntry,
  isoDir: string,
  options: IsoOptions = {},
): Promise<IsoFile> {
  const known = await unverifiedInPlace(entry, isoDir);
  if (known !== undefined) return known;
  return locationOf(entry).kind === "local"
    ? await verifyIso(entry, isoDir, options)
    : await downloadIso(entry, isoDir, options);
}

/** A file that nothing can vouch for, and whose content is still the one that was hashed when it came. */
async function unverifiedInPlace(entry: IsoEntry, isoDir: string): Promise<IsoFile | undefined> {
  if (entry.checksum !== undefined || entry.checksumUrl !== undefined) return undefined;
  const status = await isoStatus(entry, isoDir);
  if (status.state !== "present-unverified" || status.known === undefined) return undefined;
  warnUnverified(entry, status.known);
  const path = isoPath(entry, isoDir);
  log.debug(`${path} is as it was when it was hashed`);
  return { key: entry.key, path, bytes: status.bytes, checksum: status.known, verified: false };
}
