import { UsageError } from "../../errors.ts";
import { getIso, type IsoEntry, loadCatalog } from "../../iso/catalog/catalog.ts";
import { isoOptions } from "../../iso/options.ts";
import { rateLimit } from "../../iso/download/rate_limit.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import { log } from "../../log.ts";
import { isoPath } from "../../iso/record.ts";
import { type IsoStatus, isoStatus } from "../../iso/status.ts";
import { ensureIso } from "../../iso/supply.ts";
import { recordedIso, verifyIso } from "../../iso/verify/verify.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import type { DownloadFlags, SelectionFlags, VerifyFlags } from "./iso.ts";
import { forEachIso } from "./iso_jobs.ts";
import { table } from "../table.ts";

const stateText: Record<IsoStatus["state"], string> = {
  missing: "not downloaded",
  partial: "partly downloaded",
  "present-unverified": "not verified",
  verified: "verified",
  wrong: "wrong checksum",
  changed: "changed since it was verified",
};

/** `pim iso list` */
export async function list(this: PimContext, flags: JsonFlags & { readonly long: boolean }): Promise<void> {
  const { isoDir, entries } = await catalog(this);
  const found = await Promise.all(entries.map((entry) => describe(entry, isoDir)));
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  if (!flags.long) {
    return this.print(table(
      ["KEY", "ARCH", "STATE"],
      found.map(({ key, architecture, state }) => [key, architecture, stateText[state]]),
    ));
  }
  const { default: prettyBytes } = await import("pretty-bytes");
  this.print(table(
    ["KEY", "ARCH", "STATE", "SIZE", "NAME", "URL"],
    found.map((iso) => [
      iso.key,
      iso.architecture,
      stateOf(iso),
      iso.bytes === undefined ? "-" : prettyBytes(iso.bytes, { binary: true }),
      iso.name,
      iso.url,
    ]),
  ));
}

/** `pim iso show KEY` */
export async function show(this: PimContext, flags: JsonFlags, key: string): Promise<void> {
  const { isoDir, entries } = await catalog(this);
  const found = await describe(getIso(key, entries), isoDir);
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  const { signer, ...rest } = found;
  const signed = { signedBy: signer && `${signer.userId} (${signer.fingerprint})`, signedAt: signer?.madeAt };
  const rows = Object.entries({ ...rest, state: stateOf(found), ...signed })
    .filter(([, value]) => value !== undefined && String(value) !== "")
    .map(([field, value]) => [field, String(value)]);
  this.print(table(["FIELD", "VALUE"], rows));
}

/** `pim iso download KEY…|--all` */
export async function download(this: PimContext, flags: DownloadFlags, ...keys: string[]): Promise<void> {
  const { isoDir, entries } = await catalog(this);
  const chosen = await choose(entries, isoDir, flags, keys, () => true);
  const options = isoOptions(await this.config());
  if (flags.limitRate !== undefined) options.rateLimit = rateLimit(flags.limitRate);
  await forEachIso(this, chosen, {
    ...flags,
    work: (entry, own) => ensureIso(entry, isoDir, { ...options, ...own }),
    render: (file) => file.path,
  });
}

/** `pim iso verify KEY…|--all`; with --all, those that are not downloaded are left out. */
export async function verify(this: PimContext, flags: VerifyFlags, ...keys: string[]): Promise<void> {
  const { isoDir, entries } = await catalog(this);
  const isThere = ({ state }: IsoStatus) => state !== "missing" && state !== "partial";
  const chosen = await choose(entries, isoDir, flags, keys, isThere);
  if (chosen.length === 0) log.info("No ISO of the catalog is here yet: pim iso download KEY");
  const options = isoOptions(await this.config());
  await forEachIso(this, chosen, {
    ...flags,
    jobs: flags.jobs ?? navigator.hardwareConcurrency,
    async work(entry, own) {
      const recorded = flags.full ? undefined : await recordedIso(entry, isoDir);
      if (recorded !== undefined) return { ...recorded, fromRecord: true };
      const file = await verifyIso(entry, isoDir, { ...options, ...own, full: true });
      return { ...file, fromRecord: false };
    },
    render: ({ key, verified, fromRecord }) =>
      `${verified ? "ok" : "no checksum known"}  ${key}${
        fromRecord ? "  (unchanged since it was read)" : ""
      }`,
  });
}

/** `pim iso config` */
export async function config(this: PimContext, flags: JsonFlags): Promise<void> {
  const { folders, settings } = await this.config();
  const catalogs = folders.filter((each) => each.kind !== "built-in").map((each) => `${each.path}/isos.d`);
  if (flags.json) return this.print(JSON.stringify({ isoDir: settings.iso.iso_dir, catalogs }, null, 2));
  this.print(table(["WHAT", "FOLDER"], [
    ["ISOs", settings.iso.iso_dir],
    ...catalogs.map((path) => ["catalog", path]),
  ]));
}

async function choose(
  entries: readonly IsoEntry[],
  isoDir: string,
  flags: SelectionFlags,
  keys: readonly string[],
  wanted: (status: IsoStatus) => boolean,
): Promise<readonly IsoEntry[]> {
  if (flags.all === keys.length > 0) {
    throw new UsageError("Which ISOs? Name some, or say --all", {
      hint: "See what there is with: pim iso list",
    });
  }
  if (!flags.all) return keys.map((key) => getIso(key, entries));
  const states = await Promise.all(entries.map((entry) => isoStatus(entry, isoDir)));
  return entries.filter((_, index) => wanted(states[index] as IsoStatus));
}

async function catalog(
  context: PimContext,
): Promise<{ readonly isoDir: string; readonly entries: readonly IsoEntry[] }> {
  const { folders, settings } = await context.config();
  const entries = await loadCatalog(folders);
  if (entries.length > 0) return { isoDir: settings.iso.iso_dir, entries };
  throw new UsageError("There are no ISOs in the catalog yet", {
    hint: "Add one with `pim iso add debian-13-netinst`, or make a first configuration with: pim init",
  });
}

/** The state of an ISO, and who vouches for it. */
function stateOf({ state, signer }: Awaited<ReturnType<typeof describe>>): string {
  return signer === undefined ? stateText[state] : `${stateText[state]}, signed by ${signer.userId}`;
}

/** Everything known of an ISO, in the form that --json prints. */
async function describe(entry: IsoEntry, isoDir: string) {
  const status = await isoStatus(entry, isoDir);
  const { key, name, architecture, url, mirrors, checksumUrl, signature } = entry;
  return {
    key,
    name,
    architecture,
    state: status.state,
    bytes: status.state === "missing" ? undefined : status.bytes,
    path: isoPath(entry, isoDir),
    url,
    checksum: entry.checksum === undefined ? undefined : formatChecksum(entry.checksum),
    checksumUrl,
    mirrors,
    signatureUrl: signature?.url,
    signingKeys: signature?.keys,
    found: foundChecksum(status),
    signer: status.state === "verified" ? status.signer : undefined,
  };
}

/** The checksum that the file was found to have, if it was ever read. */
function foundChecksum(status: IsoStatus): string | undefined {
  const found = "checksum" in status ? status.checksum : "known" in status ? status.known : undefined;
  return found === undefined ? undefined : formatChecksum(found);
}
