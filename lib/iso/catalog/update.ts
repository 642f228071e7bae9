import { dirname } from "node:path";
import { get } from "../../config/merge.ts";
import { UsageError } from "../../errors.ts";
import { httpGet } from "../../http/get.ts";
import type { ScalarEdit } from "../../config/yaml_edit.ts";
import { formatChecksum } from "../verify/checksum.ts";
import { expectedChecksum, type ExpectedOptions } from "../verify/expected.ts";
import { type IsoEntry, type IsoFields, locationOf, toIsoEntry } from "./entry.ts";
import { editedText, editEntry, type WrittenEntry } from "./entry_file.ts";
import { currentVersion, newestVersion, withVersion } from "./newest.ts";
import { compareVersions } from "./version_order.ts";

/** A text of an entry that a newer release changes. */
export interface FieldChange {
  /** The keys that lead to it in the entry. */
  readonly path: readonly string[];
  readonly from: string;
  readonly to: string;
}

/** What a newer release makes of an entry. */
export interface Update {
  readonly key: string;
  readonly file: string;
  readonly current: string;
  readonly newest: string;
  /** None when the entry is up to date. */
  readonly changes: readonly FieldChange[];
}

// `release` stays: it is what finds the next one.
const versioned = ["name", "url", "checksum_url", "signature_url", "filename"] as const;

/**
 * Looks for a newer release of an entry, and makes sure that it is there with its checksum.
 * Throws {@linkcode UsageError} for an entry that cannot be updated.
 */
export async function findUpdate(written: WrittenEntry, options: ExpectedOptions): Promise<Update> {
  const { key, file, merged } = written;
  if (merged.release === undefined) {
    throw new UsageError(`Nothing says where newer releases of ${key} are found`, {
      hint: "Give it a `release` with `url` and `pattern` in isos.d; `pim iso search --json` shows some.",
    });
  }
  const current = currentVersion(key, merged.url, merged.release);
  const newest = await newestVersion(merged.release, options);
  const known = { key, file, current, newest };
  if (compareVersions(newest, current) <= 0) return { ...known, changes: [] };
  const changes = changesTo(merged, current, newest);
  const next = changes.reduce(applied, merged);
  const entry = toIsoEntry(key, next, dirname(file));
  const checksum = await checksumChange(entry, options);
  const all = checksum === undefined ? changes : [...changes, checksum];
  for (const { path } of all) checkWritten(written, path);
  // Refused now rather than when others have been written.
  await editedText(file, editsOf(key, all));
  return { ...known, changes: all };
}

/** Writes an update into its file; everything else in there stays as it is. */
export async function writeUpdate({ key, file, changes }: Update): Promise<void> {
  await editEntry(file, editsOf(key, changes));
}

function editsOf(key: string, changes: readonly FieldChange[]): readonly ScalarEdit[] {
  return changes.map(({ path, to }) => ({ path: [key, ...path], value: to }));
}

function changesTo(fields: IsoFields, from: string, to: string): FieldChange[] {
  const texts: { path: string[]; text: string | undefined }[] = [
    ...versioned.map((field) => ({ path: [field], text: fields[field] })),
    ...(fields.mirrors ?? []).map((text, index) => ({ path: ["mirrors", String(index)], text })),
  ];
  return texts.flatMap(({ path, text = "" }) => {
    const changed = withVersion(text, from, to);
    return changed === text ? [] : [{ path, from: text, to: changed }];
  });
}

function applied(fields: IsoFields, { path: [field = "", index], to }: FieldChange): IsoFields {
  if (index === undefined) return { ...fields, [field]: to };
  return { ...fields, mirrors: fields.mirrors?.map((each, at) => String(at) === index ? to : each) };
}

/** What becomes of a checksum that is written in the entry; makes sure that the new ISO is there. */
async function checksumChange(entry: IsoEntry, options: ExpectedOptions): Promise<FieldChange | undefined> {
  const { key, checksum, checksumUrl, url } = entry;
  if (checksumUrl !== undefined) {
    const found = await expectedChecksum({ ...entry, checksum: undefined }, options);
    if (checksum === undefined || found === undefined) return undefined;
    return { path: ["checksum"], from: formatChecksum(checksum), to: formatChecksum(found) };
  }
  if (checksum !== undefined) {
    throw new UsageError(
      `The ISO ${key} cannot be updated: its checksum is written in the entry, and nothing says the new one`,
      { hint: "Give it a `checksum_url` in isos.d, the URL of a file such as SHA256SUMS." },
    );
  }
  if (locationOf(entry).kind === "http") {
    await using _answer = await httpGet(url, options);
  }
  return undefined;
}

/** What an entry has from `default` or from an anchor is also that of others. */
function checkWritten({ key, file, own }: WrittenEntry, path: readonly string[]): void {
  if (get(own, path.slice(0, 1)) !== undefined) return;
  throw new UsageError(
    `The ISO ${key} cannot be updated: its ${
      path[0]
    } is not written in its entry in ${file} but comes from \`default\``,
    { hint: `Write \`${path[0]}\` into the entry itself.` },
  );
}
