import { join } from "node:path";
import { UsageError } from "../../errors.ts";
import { hashFile } from "../../iso/verify/checksum.ts";
import { mtimeMs, statIfThere } from "../../iso/status.ts";
import type { IsoOptions } from "../../iso/verify/verify.ts";
import type { StickIso, StickRecord } from "../stick/record.ts";
import type { WantedIso } from "./wanted.ts";

/** What has to be done with one ISO. */
export interface IsoTask {
  readonly iso: WantedIso;
  readonly action: "copy" | "keep";
  /** Why, for people. */
  readonly why: string;
}

/** Options of {@linkcode planCopies}. */
export interface PlanOptions extends Pick<IsoOptions, "signal" | "onProgress"> {
  /** Read what is on the stick, however it looks. */
  readonly full?: boolean;
}

/**
 * Decides which ISOs have to be copied. One that is on the stick with the size and time of change that were recorded
 * counts as unchanged; where only the time differs, as after another system has written it, its content decides.
 */
export async function planCopies(
  folder: string,
  isos: readonly WantedIso[],
  record: StickRecord,
  options: PlanOptions,
): Promise<readonly IsoTask[]> {
  const tasks: IsoTask[] = [];
  for (const iso of isos) tasks.push(await planCopy(folder, iso, record, options));
  return tasks;
}

async function planCopy(
  folder: string,
  iso: WantedIso,
  record: StickRecord,
  options: PlanOptions,
): Promise<IsoTask> {
  const { entry, file } = iso;
  const path = join(folder, entry.filename);
  const info = await statIfThere(path);
  if (info === undefined) return { iso, action: "copy", why: "it is not on the stick" };
  if (!info.isFile) throw new UsageError(`${path} is no file, so ${entry.key} cannot be copied there`);
  const known = record.isos.find((each) => each.file === entry.filename);
  if (info.size !== file.bytes) return replace(iso, known, path, "its size differs");
  const same = known !== undefined && known.hash === file.checksum.hash && looksTheSame(known, info);
  if (same && !options.full) return { iso, action: "keep", why: "unchanged" };
  const hash = await hashFile(path, file.checksum.algorithm, {
    signal: options.signal,
    onProgress: (bytes) =>
      options.onProgress?.({ key: entry.key, phase: "hash", bytes, totalBytes: file.bytes }),
  });
  if (hash === file.checksum.hash) return { iso, action: "keep", why: "its content is the same" };
  return replace(iso, known, path, "its content differs");
}

/** Whether a file on the stick has the size and time that were recorded. */
export function looksTheSame(known: StickIso, info: Deno.FileInfo): boolean {
  return known.bytes === info.size && known.mtimeMs === mtimeMs(info);
}

/** Only what pim has put there is replaced. */
function replace(iso: WantedIso, known: StickIso | undefined, path: string, why: string): IsoTask {
  if (known !== undefined) return { iso, action: "copy", why };
  throw new UsageError(
    `${path} is on the stick already; ${why} from ${iso.entry.key}, and pim did not put it there`,
    {
      hint: "Remove or rename it on the stick, or set another `filename` for this ISO in isos.d.",
    },
  );
}
