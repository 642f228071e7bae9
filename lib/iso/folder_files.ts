import { join } from "node:path";
import { messageOf, PimError } from "../errors.ts";
import { lockPath, readRecordFile } from "./record.ts";
import { statIfThere } from "../files.ts";
import { mtimeMs } from "./status.ts";

/** What lies in the ISO folder of one ISO. */
export interface IsoFiles {
  /** The name of the ISO; the key of an entry whose file is used in place. */
  readonly name: string;
  readonly kind: "stored" | "in place";
  /** All of its files but the lock: the ISO, its record, and what is left of downloads. */
  readonly paths: readonly string[];
  readonly lock: string;
  /** Whether pim made it or has verified it; another file in the folder is none of its business. */
  readonly ours: boolean;
  readonly bytes: number;
  /** When the last of them was changed. */
  readonly changedMs: number;
}

/** The files of the ISO folder, ISO by ISO; none when there is no such folder. */
export async function isoFolderFiles(isoDir: string): Promise<readonly IsoFiles[]> {
  const groups = Map.groupBy(await namesIn(isoDir), (file) => `${placeOf(file).kind} ${placeOf(file).name}`);
  const all = await Promise.all([...groups.values()].map((files) => describe(isoDir, files)));
  return all.sort((a, b) => a.name.localeCompare(b.name));
}

async function describe(isoDir: string, files: readonly string[]): Promise<IsoFiles> {
  const { name, kind } = placeOf(files[0] ?? "");
  const lock = lockPath(isoDir, kind === "stored" ? name : encodeURIComponent(name));
  const paths = files.map((file) => join(isoDir, file)).filter((path) => path !== lock).sort();
  const infos = await Promise.all(paths.map(statIfThere));
  const record = files.includes(`${name}.json`) && await readRecordFile(join(isoDir, `${name}.json`));
  // Browsers call what they have not got whole yet NAME.part too; pim's has a lock or notes beside it.
  const anybodys = [name, `${name}.json`, `${name}.part`];
  return {
    name,
    kind,
    // A JSON file that is no record was not made by pim, and neither was what lies beside it.
    paths: record === undefined ? paths.filter((path) => path !== join(isoDir, `${name}.json`)) : paths,
    lock,
    ours: kind === "in place" || Boolean(record) ||
      files.some((file) => !anybodys.includes(file)),
    bytes: infos.reduce((sum, info) => sum + (info?.size ?? 0), 0),
    changedMs: Math.max(0, ...infos.map((info) => info === undefined ? 0 : mtimeMs(info))),
  };
}

/** Which ISO a file of the folder belongs to: NAME, NAME.json, NAME.part and its notes, .NAME.lock, and KEY.local.json. */
function placeOf(file: string): Pick<IsoFiles, "name" | "kind"> {
  const local = /^(.+)\.local\.json$/.exec(file)?.[1];
  if (local !== undefined) return { name: decoded(local), kind: "in place" };
  // What is left of a file that was being written.
  const unfinished = /^\.(.+)\.[0-9a-f]{8}\.part$/.exec(file)?.[1];
  if (unfinished !== undefined) return placeOf(unfinished);
  const name = /^\.(.+)\.lock$/.exec(file)?.[1] ?? /^(.+)\.part(?:\.json(?:\.new)?)?$/.exec(file)?.[1] ??
    /^(.+)\.json$/.exec(file)?.[1] ?? file;
  return { name, kind: "stored" };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function namesIn(isoDir: string): Promise<readonly string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(isoDir));
    return entries.filter(({ isDirectory }) => !isDirectory).map(({ name }) => name);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw new PimError(`Cannot read the ISO folder ${isoDir}: ${messageOf(cause)}`, { cause });
  }
}
