import { join } from "node:path";
import * as v from "valibot";
import { readTextIfThere, writeFileAtomic } from "../../files.ts";
import { log } from "../../log.ts";

// Anybody may have written on a stick: what its record names lies on it, and nowhere else.
const onTop = v.pipe(v.string(), v.regex(/^(?!\.\.?$)[^/\\]+$/));
const inOwnFolder = v.pipe(v.string(), v.regex(/^\/pim\/(?!\.\.?\/)[^/\\]+\/(?!\.\.?$)[^/\\]+$/));

const isoSchema = v.object({
  key: v.string(),
  name: v.string(),
  file: onTop,
  bytes: v.number(),
  mtimeMs: v.number(),
  algorithm: v.picklist(["sha256", "sha512"]),
  hash: v.string(),
});
const answerSchema = v.object({
  profile: v.string(),
  iso: v.string(),
  /** Path from the top of the stick. */
  file: inOwnFolder,
  sha256: v.string(),
});
const schema = v.object({
  version: v.literal(1),
  isos: v.array(isoSchema),
  answers: v.array(answerSchema),
  aliases: v.record(v.string(), v.string()),
});

/** An ISO that pim has put on a stick; `mtimeMs` is as the stick tells it. */
export type StickIso = Readonly<v.InferOutput<typeof isoSchema>>;
/** An answer file that pim has put on a stick. */
export type StickAnswer = Readonly<v.InferOutput<typeof answerSchema>>;

/** What pim has put on a stick. */
export interface StickRecord {
  readonly isos: readonly StickIso[];
  readonly answers: readonly StickAnswer[];
  /** The names in Ventoy's menu that pim has given, by the image's path. */
  readonly aliases: Readonly<Record<string, string>>;
}

/** Where pim's own files are on a stick. */
export const pimFolder = "pim";

const emptyRecord: StickRecord = { isos: [], answers: [], aliases: {} };

function recordFile(folder: string): string {
  return join(folder, pimFolder, "stick.json");
}

/** What pim has put on the stick that is mounted here; a damaged record counts as none, which costs reading the ISOs. */
export async function readStickRecord(folder: string): Promise<StickRecord> {
  const text = await readTextIfThere(recordFile(folder));
  if (text === undefined) return emptyRecord;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch {
    log.warn(`${recordFile(folder)} is damaged; what is on the stick is read to find out`);
    return emptyRecord;
  }
}

/** Remembers on a stick what pim has put there. */
export async function writeStickRecord(folder: string, record: StickRecord): Promise<void> {
  await writeFileAtomic(recordFile(folder), `${JSON.stringify({ version: 1, ...record }, null, 2)}\n`);
}
