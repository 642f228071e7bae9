import { join } from "node:path";
import { readTextIfThere, writeFileAtomic } from "../../files.ts";
import type { IsoProgress } from "../../iso/verify/verify.ts";
import { log } from "../../log.ts";
import { checkWritable, type MountedStick } from "../stick/mount.ts";
import type { Stick } from "../stick/find_stick.ts";
import { readStickRecord, type StickRecord, writeStickRecord } from "../stick/record.ts";
import { type JsonObject, mergeVentoyJson, overridingKeys, parseVentoyJson } from "../stick/ventoy_json.ts";
import { copyToPart, dropFromCache, partOf, verifyPart } from "./copy_file.ts";
import { imagePlans } from "./image_plans.ts";
import { removeParts } from "./leftovers.ts";
import { nextRecord, removeSuperseded } from "./next_record.ts";
import { type IsoTask, planCopies } from "./plan.ts";
import { checkRoom } from "./space.ts";
import type { Wanted, WantedAnswer, WantedIso } from "./wanted.ts";

/** Options of {@linkcode copyToStick}. */
export interface CopyOptions {
  /** Read the ISOs that are on the stick already. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: IsoProgress, phase: "copy" | "verify") => void;
}

/** How far it is proved that what was copied is on the stick. */
export type Proof = "remounted" | "cache dropped" | "as it is" | "nothing copied";

/** What a copy has done. */
export interface Copied {
  readonly tasks: readonly IsoTask[];
  readonly answers: readonly WantedAnswer[];
  readonly proof: Proof;
}

/** Brings ISOs, answer files and ventoy.json on a mounted stick up to date. */
export async function copyToStick(
  stick: Stick,
  mounted: MountedStick,
  wanted: Wanted,
  options: CopyOptions,
): Promise<Copied> {
  checkWritable(stick, mounted);
  const { folder } = mounted;
  const record = await readStickRecord(folder);
  const jsonFile = ventoyJson(folder);
  // Before anything is written: a ventoy.json that cannot be read stops it all.
  const before = await readTextIfThere(jsonFile);
  const json = parseVentoyJson(before, jsonFile);
  await removeParts(folder);
  const tasks = await planCopies(folder, wanted.isos, record, {
    full: options.full,
    signal: options.signal,
    onProgress: (progress) => options.onProgress?.(progress, "verify"),
  });
  const toCopy = tasks.filter(({ action }) => action === "copy").map(({ iso }) => iso);
  await checkRoom(folder, toCopy.map(({ file }) => file.bytes));
  const proof = await copyIsos(mounted, toCopy, options);
  await removeSuperseded(mounted.folder, record, wanted);
  await writeAnswers(mounted.folder, wanted.answers);
  const next = await nextRecord(mounted.folder, record, wanted);
  const plans = imagePlans(next);
  await writeVentoyJson(
    ventoyJson(mounted.folder),
    before,
    mergeVentoyJson(json, plans, record.aliases),
    record,
  );
  await writeStickRecord(mounted.folder, {
    ...next,
    aliases: Object.fromEntries(plans.map(({ image, alias }) => [image, alias])),
  });
  return { tasks, answers: wanted.answers, proof };
}

function ventoyJson(folder: string): string {
  return join(folder, "ventoy", "ventoy.json");
}

/** Copies one ISO after the other, each to its end: who has to begin again goes on with the next one. */
async function copyIsos(
  mounted: MountedStick,
  isos: readonly WantedIso[],
  { signal, onProgress }: CopyOptions,
): Promise<Proof> {
  let proof: Proof = "nothing copied";
  const tell = ({ entry, file }: WantedIso, phase: "copy" | "verify") => (bytes: number) =>
    onProgress?.({ key: entry.key, phase: "hash", bytes, totalBytes: file.bytes }, phase);
  try {
    for (const iso of isos) {
      await copyToPart(mounted.folder, iso, signal, tell(iso, "copy"));
      proof = await mounted.forget();
      if (proof === "cache dropped" && !await dropFromCache(partOf(mounted.folder, iso.entry.filename))) {
        proof = "as it is";
      }
      await verifyPart(mounted.folder, iso, signal, tell(iso, "verify"));
    }
    return proof;
  } catch (error) {
    // An aborted copy leaves no gigabytes behind; on a stick that is gone there is nothing to remove.
    await removeParts(mounted.folder).catch(() => {});
    throw error;
  }
}

async function writeAnswers(folder: string, answers: readonly WantedAnswer[]): Promise<void> {
  for (const { file, text } of answers) await writeFileAtomic(join(folder, file), text);
}

async function writeVentoyJson(
  path: string,
  before: string | undefined,
  json: JsonObject,
  record: StickRecord,
): Promise<void> {
  const text = `${JSON.stringify(json, null, 4)}\n`;
  if (text === before || (before === undefined && Object.keys(json).length === 0)) return;
  const foreign = before !== undefined && record.isos.length === 0;
  if (foreign) await writeFileAtomic(`${path}.before-pim`, before);
  await writeFileAtomic(path, text);
  for (const key of overridingKeys(json)) {
    log.warn(`${key} in ventoy.json takes precedence over pim's entries on machines that it is for`);
  }
}
