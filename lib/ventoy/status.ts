import { join } from "node:path";
import { messageOf, PimError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { hashFile } from "../iso/verify/checksum.ts";
import { statIfThere } from "../iso/status.ts";
import { imagePlans } from "./copy/image_plans.ts";
import { sha256 } from "./copy/next_record.ts";
import { looksTheSame } from "./copy/plan.ts";
import { spaceAt } from "./copy/space.ts";
import { readStickRecord, type StickAnswer, type StickIso, type StickRecord } from "./stick/record.ts";
import {
  type JsonObject,
  objects,
  overridingKeys,
  parseVentoyJson,
  templatesOf,
} from "./stick/ventoy_json.ts";

/** An ISO on a stick. `foreign` is one that pim did not put there. */
export interface IsoOnStick {
  readonly file: string;
  readonly bytes: number | undefined;
  readonly key: string | undefined;
  readonly state: "unchanged" | "changed" | "missing" | "foreign";
}

/** An answer file on a stick. */
export interface AnswerOnStick {
  readonly profile: string;
  readonly iso: string;
  readonly file: string;
  readonly state: "unchanged" | "changed" | "missing";
}

/** What is on a mounted stick. */
export interface StickStatus {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly isos: readonly IsoOnStick[];
  readonly answers: readonly AnswerOnStick[];
  /** What is wrong with ventoy.json, in words; none when it does what pim has meant. */
  readonly problems: readonly string[];
}

/** Options of {@linkcode stickStatus}. */
export interface StatusOptions {
  /** Read pim's ISOs and compare them with their checksums. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
  readonly onBytes?: (key: string, bytes: number, totalBytes: number) => void;
}

/** Looks at what is on the stick that is mounted at a folder. */
export async function stickStatus(folder: string, options: StatusOptions = {}): Promise<StickStatus> {
  const record = await readStickRecord(folder);
  const isos: IsoOnStick[] = [];
  for (const known of record.isos) isos.push(await isoOnStick(folder, known, options));
  for (const file of await foreignIsos(folder, record)) isos.push(file);
  const answers = await Promise.all(record.answers.map((known) => answerOnStick(folder, known)));
  return { ...await spaceAt(folder), isos, answers, problems: await problemsOf(folder, record) };
}

async function isoOnStick(folder: string, known: StickIso, options: StatusOptions): Promise<IsoOnStick> {
  const { key, file, bytes } = known;
  const path = join(folder, file);
  const info = await statIfThere(path);
  if (info === undefined) return { file, key, bytes: undefined, state: "missing" };
  let same = looksTheSame(known, info);
  if (options.full && info.size === bytes) {
    const onProgress = (done: number) => options.onBytes?.(key, done, bytes);
    same = await hashFile(path, known.algorithm, { signal: options.signal, onProgress }) === known.hash;
  }
  return { file, key, bytes: info.size, state: same ? "unchanged" : "changed" };
}

async function foreignIsos(folder: string, record: StickRecord): Promise<IsoOnStick[]> {
  const found: IsoOnStick[] = [];
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (
      !isFile || !/\.(iso|img|wim|vhdx?|efi)$/i.test(name) || record.isos.some(({ file }) => file === name)
    ) continue;
    const info = await statIfThere(join(folder, name));
    found.push({ file: name, key: undefined, bytes: info?.size, state: "foreign" });
  }
  return found.sort((a, b) => a.file.localeCompare(b.file));
}

async function answerOnStick(folder: string, known: StickAnswer): Promise<AnswerOnStick> {
  const { profile, iso, file } = known;
  const text = await readTextIfThere(join(folder, file));
  const state = text === undefined
    ? "missing"
    : await sha256(text) === known.sha256
    ? "unchanged"
    : "changed";
  return { profile, iso, file, state };
}

async function problemsOf(folder: string, record: StickRecord): Promise<string[]> {
  const path = join(folder, "ventoy", "ventoy.json");
  let json: JsonObject;
  try {
    json = parseVentoyJson(await readTextIfThere(path), path);
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    return [messageOf(error).replace(". Nothing was written", "")];
  }
  const problems = overridingKeys(json).map((key) =>
    `${key} takes precedence over auto_install on its machines`
  );
  const entries = objects(json["auto_install"]);
  for (const { image, templates } of imagePlans(record)) {
    const entry = entries.find((each) => each["image"] === image);
    const offered = entry === undefined ? [] : templatesOf(entry);
    for (const file of templates.filter((each) => !offered.includes(each))) {
      problems.push(`auto_install does not offer ${file} for ${image}`);
    }
  }
  for (const file of entries.flatMap(templatesOf)) {
    if (await statIfThere(join(folder, file)) === undefined) {
      problems.push(`auto_install names ${file}, which is not there`);
    }
  }
  return problems;
}
