import { exitCode, HostError, messageOf, PimError } from "../../errors.ts";
import { lockFile } from "../../files.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import { log } from "../../log.ts";
import { type IsoEntry, locationOf } from "../catalog/entry.ts";
import type { Checksum } from "../verify/checksum.ts";
import { type Expected, expectedChecksum } from "../verify/expected.ts";
import { partBytes, partFiles, removePart } from "./part.ts";
import { isoPath, lockPath, removeRecord } from "../record.ts";
import { isoStatus } from "../status.ts";
import { DiskFullError } from "./space.ts";
import { type Transfer, transferFile, transferHttp, type Transferred } from "./transfer.ts";
import {
  checksumError,
  hashIso,
  type IsoFile,
  type IsoOptions,
  remember,
  verifyIso,
  warnUnverified,
} from "../verify/verify.ts";

export type { IsoFile } from "../verify/verify.ts";

/**
 * Downloads an ISO into the ISO folder, or takes the file that is there if its checksum holds.
 * It appears under its name only when it is whole and right. Throws a PimError with exit code 5 for a wrong
 * checksum, 4 when it cannot be fetched; what was fetched stays for the next try.
 */
export async function downloadIso(
  entry: IsoEntry,
  isoDir: string,
  options: IsoOptions = {},
): Promise<IsoFile> {
  if (locationOf(entry).kind === "local") return await verifyIso(entry, isoDir, options);
  await makeFolder(isoDir);
  // Two pims that want the same ISO: the second waits, and then finds it there.
  await using _lock = await lockFile(
    lockPath(isoDir, entry.filename),
    () => log.info(`Another pim is downloading ${entry.filename}; waiting for it`),
    options.signal,
  );
  const status = await isoStatus(entry, isoDir);
  if (status.state === "verified") return await verifyIso(entry, isoDir, options);
  const expected = await expectedOrNothing(entry, isoDir, options);
  if (status.state === "present-unverified" || status.state === "changed") {
    const file = await hashIso(entry, isoDir, expected, options);
    if (expected === undefined) warnUnverified(entry, file.checksum);
    if (expected === undefined || file.verified) return file;
  }
  if (status.state !== "missing" && status.state !== "partial") {
    log.warn(`${isoPath(entry, isoDir)} does not have the checksum of ${entry.key}; downloading it again`);
  }
  return await fetchVerified(entry, isoDir, expected, options);
}

/** The checksum that the ISO must have; where nobody whom we trust vouches for it, what was begun is not kept either. */
async function expectedOrNothing(
  entry: IsoEntry,
  isoDir: string,
  options: IsoOptions,
): Promise<Expected | undefined> {
  try {
    return await expectedChecksum(entry, options);
  } catch (error) {
    const refused = error instanceof PimError && error.exitCode === exitCode.checksum;
    if (refused && entry.signature !== undefined) await removePart(partFiles(isoPath(entry, isoDir)));
    throw error;
  }
}

/** Fetches until the checksum holds, or has been wrong from every URL. */
async function fetchVerified(
  entry: IsoEntry,
  isoDir: string,
  expected: Expected | undefined,
  options: IsoOptions,
): Promise<IsoFile> {
  const files = partFiles(isoPath(entry, isoDir));
  const algorithm = expected?.algorithm ?? "sha256";
  const verifiable = expected !== undefined;
  const wrong = new Set<string>();
  let urls: readonly string[] = [entry.url, ...entry.mirrors];
  for (;;) {
    const transfer = { key: entry.key, url: entry.url, urls, folder: isoDir, files, algorithm, verifiable };
    const done = await fetchOnce(entry, transfer, options);
    const checksum = { algorithm, hash: done.hash };
    if (expected === undefined || done.hash === expected.hash) {
      return await putInPlace(entry, isoDir, expected, checksum);
    }
    await removePart(files);
    // Of what was put together nobody knows which piece is wrong: all of it comes from one URL then.
    const mixed = done.resumed || done.used.length > 1;
    if (!mixed) wrong.add(done.used[0] ?? entry.url);
    const left = [...done.used.toReversed(), entry.url, ...entry.mirrors].filter((url) => !wrong.has(url));
    const [next] = left;
    if (next === undefined) {
      throw checksumError(
        entry,
        `What came from ${done.used.map(showUrl).join(" and ")}`,
        expected,
        checksum,
      );
    }
    urls = mixed || urls.length === 1 ? [next] : left;
    log.warn(
      `What ${mixed ? "was put together" : "came"} of ${entry.key} has the wrong checksum; ` +
        `downloading it from the beginning from ${showUrl(next)}`,
    );
  }
}

/** Gives a whole and right .part file its name, for good. */
async function putInPlace(
  entry: IsoEntry,
  isoDir: string,
  expected: Expected | undefined,
  checksum: Checksum,
): Promise<IsoFile> {
  const path = isoPath(entry, isoDir);
  const files = partFiles(path);
  await removeRecord(entry, isoDir);
  await Deno.rename(files.part, path);
  await removePart(files);
  await syncFolder(isoDir);
  const info = await Deno.stat(path);
  await remember(entry, isoDir, info, checksum, expected);
  if (expected === undefined) warnUnverified(entry, checksum);
  return { key: entry.key, path, bytes: info.size, checksum, verified: expected !== undefined };
}

async function syncFolder(path: string): Promise<void> {
  try {
    using folder = await Deno.open(path);
    await folder.sync();
  } catch (error) {
    // Some file systems cannot; the name is there all the same.
    log.debug(`Cannot sync ${path}: ${messageOf(error)}`);
  }
}

async function fetchOnce(entry: IsoEntry, transfer: Transfer, options: IsoOptions): Promise<Transferred> {
  const location = locationOf(entry);
  const resumable = location.kind === "http";
  try {
    return resumable
      ? await transferHttp(transfer, options)
      : await transferFile(location.path, transfer, options);
  } catch (error) {
    const bytes = await partBytes(transfer.files) ?? 0;
    if (!resumable || bytes === 0) await removePart(transfer.files);
    if (!resumable || bytes === 0) throw error;
    const goOn = `type \`pim iso download ${entry.key}\` to go on from there.`;
    const kept = `The ${bytes} bytes so far are kept:`;
    if (error instanceof DiskFullError) {
      throw new HostError(error.message, { cause: error, hint: `${kept} free some space there and ${goOn}` });
    }
    if (!(error instanceof HttpError) || !error.retryable) throw error;
    throw new HttpError(error.message, { cause: error, hint: `${kept} ${goOn}` });
  }
}

async function makeFolder(isoDir: string): Promise<void> {
  try {
    await Deno.mkdir(isoDir, { recursive: true });
  } catch (cause) {
    throw new PimError(`Cannot make the ISO folder ${isoDir}: ${messageOf(cause)}`, {
      cause,
      hint: "Set iso.iso_dir in pim.yml to a folder that you may write to.",
    });
  }
}
