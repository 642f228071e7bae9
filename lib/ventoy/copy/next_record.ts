import { join } from "node:path";
import { messageOf, PimError } from "../../errors.ts";
import { exists, removeIfThere } from "../../files.ts";
import { mtimeMs, statIfThere } from "../../iso/status.ts";
import { log } from "../../log.ts";
import type { StickAnswer, StickIso, StickRecord } from "../stick/record.ts";
import { looksTheSame } from "./plan.ts";
import { sameName, type Wanted } from "./wanted.ts";

/** Removes the ISO that a catalog entry was before, if it is still as pim has put it there. */
export async function removeSuperseded(folder: string, record: StickRecord, wanted: Wanted): Promise<void> {
  for (const { entry } of wanted.isos) {
    const old = record.isos.find(({ key, file }) => key === entry.key && !sameName(file, entry.filename));
    const info = old && await statIfThere(join(folder, old.file));
    if (old === undefined || info === undefined || !looksTheSame(old, info)) continue;
    await removeIfThere(join(folder, old.file));
    log.info(`${old.file} is removed from the stick: ${entry.key} is ${entry.filename} now`);
  }
}

/** What is on the stick now, with what earlier copies have put there and is still there. */
export async function nextRecord(folder: string, record: StickRecord, wanted: Wanted): Promise<StickRecord> {
  const isos: StickIso[] = [];
  for (const { entry, file } of wanted.isos) {
    const info = await Deno.stat(join(folder, entry.filename)).catch((cause) => {
      throw new PimError(`${entry.filename} is not on the stick any more: ${messageOf(cause)}`, { cause });
    });
    const { algorithm, hash } = file.checksum;
    const { key, name, filename } = entry;
    isos.push({ key, name, file: filename, bytes: file.bytes, mtimeMs: mtimeMs(info), algorithm, hash });
  }
  for (const known of record.isos) {
    const again = isos.some(({ file, key }) => file === known.file || key === known.key);
    if (!again && await exists(join(folder, known.file))) isos.push(known);
  }
  const answers: StickAnswer[] = [];
  for (const { profile, iso, file, text } of wanted.answers) {
    answers.push({ profile, iso, file, sha256: await sha256(text) });
  }
  for (const known of record.answers) {
    const again = answers.some(({ file }) => file === known.file);
    if (!again && await exists(join(folder, known.file))) answers.push(known);
  }
  return { isos, answers, aliases: record.aliases };
}

/** The SHA-256 of a text, in hexadecimal. */
export async function sha256(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).toHex();
}
