import * as v from "valibot";
import { readTextIfThere, removeIfThere, writeFileAtomic } from "../../files.ts";
import { statIfThere } from "../status.ts";

/** What is known of a download that is under way, kept beside its .part file. */
export interface PartState {
  /** The URL of the catalog entry. */
  readonly url: string;
  /** A strong entity tag, or a time of last change: what If-Range takes (RFC 9110, 13.1.5). */
  readonly validator: string;
  /** Size of the whole file in bytes, if the server said so. */
  readonly total?: number | undefined;
}

const schema = v.object({ url: v.string(), validator: v.string(), total: v.optional(v.number()) });

/** The two files of an unfinished download. */
export interface PartFiles {
  readonly part: string;
  readonly state: string;
}

/** The files of an unfinished download of the ISO at this path. */
export function partFiles(isoPath: string): PartFiles {
  return { part: `${isoPath}.part`, state: `${isoPath}.part.json` };
}

/** What was got of this URL earlier, if it can be continued. */
export async function readPart(
  files: PartFiles,
  url: string,
): Promise<{ readonly bytes: number; readonly state: PartState } | undefined> {
  const [info, text] = await Promise.all([statIfThere(files.part), readTextIfThere(files.state)]);
  if (info === undefined || info.size === 0 || text === undefined) return undefined;
  try {
    const state = v.parse(schema, JSON.parse(text));
    if (state.url !== url || (state.total !== undefined && info.size > state.total)) return undefined;
    return { bytes: info.size, state };
  } catch {
    return undefined;
  }
}

/** Remembers what a later try needs in order to continue; nothing can be continued without a validator. */
export async function writePartState(files: PartFiles, state: PartState | undefined): Promise<void> {
  if (state === undefined) await removeIfThere(files.state);
  else await writeFileAtomic(files.state, JSON.stringify(state) + "\n");
}

/** Removes an unfinished download. */
export async function removePart(files: PartFiles): Promise<void> {
  await removeIfThere(files.part);
  await removeIfThere(files.state);
}

/** The validator of an answer that If-Range takes; a weak entity tag is none. */
export function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get("etag");
  if (etag !== null && /^"[^"]*"$/.test(etag)) return etag;
  return headers.get("last-modified") ?? undefined;
}
