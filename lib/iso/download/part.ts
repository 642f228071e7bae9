import * as v from "valibot";
import { readTextIfThere, removeIfThere } from "../../files.ts";
import { writeAll } from "../../output.ts";
import { bootId } from "./boot.ts";
import { addRange, type ByteRanges, bytesIn, clipRanges } from "./ranges.ts";

/** What is known of a download that is under way, kept beside its .part file. */
export interface PartState {
  /** The URL of the catalog entry. */
  readonly url: string;
  /** The URL that it was begun from: the entry's, or one of its mirrors. */
  readonly from: string;
  /** Where that led to by redirects. */
  readonly at: string;
  /** A strong entity tag, or a time of last change: what If-Range takes (RFC 9110, 13.1.5). */
  readonly ifRange: string;
  /** Size of the whole file in bytes, if the server said so. */
  readonly total?: number | undefined;
  /** What was written to the .part file: true until the machine goes down, since the kernel has it. */
  readonly written: ByteRanges;
  /** What of it is on the disk, and so outlives the machine. */
  readonly synced: ByteRanges;
  /** The boot of the machine that `written` is true for. */
  readonly boot?: string | undefined;
}

/** What a .part file is of: all that is needed to continue it, but for its bytes. */
export type PartIdentity = Omit<PartState, "written" | "synced" | "boot">;

/** An unfinished download that can be continued. */
export interface KnownPart {
  readonly state: PartIdentity;
  /** The bytes that are surely there. */
  readonly ranges: ByteRanges;
  /** Those of them that outlive the machine. */
  readonly synced: ByteRanges;
}

const offset = v.pipe(v.number(), v.integer(), v.minValue(0));
const ranges = v.array(v.pipe(
  v.object({ start: offset, end: offset }),
  v.check(({ start, end }) => start < end),
));
const schema = v.object({
  url: v.string(),
  from: v.string(),
  at: v.string(),
  ifRange: v.string(),
  total: v.optional(offset),
  written: ranges,
  synced: ranges,
  boot: v.optional(v.string()),
});
// Of pim 0.1, which wrote from the beginning to the end; all that is in the file was written.
const earlierSchema = v.object({ url: v.string(), validator: v.string(), total: v.optional(offset) });

/** The two files of an unfinished download. */
export interface PartFiles {
  readonly part: string;
  readonly state: string;
}

/** The files of an unfinished download of the ISO at this path. */
export function partFiles(isoPath: string): PartFiles {
  return { part: `${isoPath}.part`, state: `${isoPath}.part.json` };
}

/** What was got earlier of an ISO, if it can be continued. */
export async function readPart(files: PartFiles): Promise<KnownPart | undefined> {
  const found = await findPart(files);
  return found?.known?.ranges.length ? found.known : undefined;
}

/** How many bytes of a download are there; undefined when none was begun. */
export async function partBytes(files: PartFiles): Promise<number | undefined> {
  const found = await findPart(files);
  return found?.known === undefined ? found?.fileBytes : bytesIn(found.known.ranges);
}

async function findPart(
  files: PartFiles,
): Promise<{ readonly fileBytes: number; readonly known: KnownPart | undefined } | undefined> {
  const [info, text] = await Promise.all([
    Deno.stat(files.part).catch(() => undefined),
    readTextIfThere(files.state),
  ]);
  if (info === undefined) return undefined;
  const known = text === undefined ? undefined : await parseState(text, info.size);
  const tooLong = known?.state.total !== undefined && info.size > known.state.total;
  return { fileBytes: info.size, known: tooLong ? undefined : known };
}

async function parseState(text: string, fileBytes: number): Promise<KnownPart | undefined> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const earlier = v.safeParse(earlierSchema, json);
  if (earlier.success) {
    const { url, validator, total } = earlier.output;
    const state = { url, from: url, at: url, ifRange: validator, total };
    return { state, ranges: fileBytes > 0 ? [{ start: 0, end: fileBytes }] : [], synced: [] };
  }
  const parsed = v.safeParse(schema, json);
  if (!parsed.success) return undefined;
  const { written, synced, boot, ...state } = parsed.output;
  const sameBoot = boot !== undefined && boot === await bootId();
  const there = (ranges: ByteRanges) => clipRanges(ranges.reduce<ByteRanges>(addRange, []), fileBytes);
  return { state, ranges: there(sameBoot ? written : synced), synced: there(synced) };
}

/** Remembers what a later try needs in order to continue; with `sync`, so that it outlives the machine. */
export async function writePartState(files: PartFiles, state: PartState, sync: boolean): Promise<void> {
  // Always the same name, for a kill in between leaves it behind; the lock of the ISO keeps others away.
  const next = `${files.state}.new`;
  {
    using file = await Deno.open(next, { write: true, create: true, truncate: true });
    const bytes = new TextEncoder().encode(JSON.stringify(state) + "\n");
    await writeAll(file, bytes);
    if (sync) await file.syncData();
  }
  await Deno.rename(next, files.state);
}

/** Forgets what is needed to continue. */
export async function removePartState(files: PartFiles): Promise<void> {
  await removeIfThere(files.state);
  await removeIfThere(`${files.state}.new`);
}

/** Removes an unfinished download. */
export async function removePart(files: PartFiles): Promise<void> {
  // In this order: notes without a file say nothing, a file without notes is begun anew.
  await removePartState(files);
  await removeIfThere(files.part);
}
