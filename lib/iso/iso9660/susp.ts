import { isoError, type Source } from "./source.ts";
import { latin1 } from "./volume.ts";

/** A system use entry (SUSP 1.12, section 4): two letters and what they carry. */
export interface SystemUseEntry {
  readonly signature: string;
  /** What follows the four bytes of signature, length and version. */
  readonly data: Uint8Array;
}

/** Reads the continuation area that the data of a CE entry names. */
export type ContinuationReader = (data: Uint8Array) => Promise<Uint8Array>;

// A real record needs one continuation or two; long chains are loops or attacks.
const maxHops = 32;
const maxContinuations = 65_536;

/** A reader of continuation areas for the records of one directory, which may ask for so many in all. */
export function continuationReader(source: Source, blockBytes: number): ContinuationReader {
  let count = 0;
  // Neighbouring records have their areas in the same block.
  let last: { readonly block: number; readonly content: Uint8Array } | undefined;
  return async (data) => {
    if (data.length < 24) throw isoError(source.path, "a continuation entry is too short");
    if (++count > maxContinuations) {
      throw isoError(source.path, "a directory has too many continuation areas");
    }
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const [block, offset, length] = [
      view.getUint32(0, true),
      view.getUint32(8, true),
      view.getUint32(16, true),
    ];
    if (offset + length > blockBytes) {
      throw isoError(source.path, `a continuation area has the impossible length ${length}`);
    }
    if (last?.block !== block) last = { block, content: await source.read(block * blockBytes, blockBytes) };
    return last.content.subarray(offset, offset + length);
  };
}

/**
 * All system use entries of a directory record, with its continuation areas (CE) read in.
 *
 * @param skip bytes at the start that belong to somebody else (LEN_SKP of the SP entry)
 */
export async function readSystemUse(
  path: string,
  systemUse: Uint8Array,
  skip: number,
  readContinuation: ContinuationReader,
): Promise<SystemUseEntry[]> {
  const entries: SystemUseEntry[] = [];
  let area: Uint8Array | undefined = systemUse.subarray(skip);
  for (let hops = 0; area !== undefined; hops++) {
    if (hops > maxHops) throw isoError(path, "its continuation areas form a loop");
    const next = parseArea(path, area, entries);
    area = next && await readContinuation(next);
  }
  return entries;
}

/** Adds the entries of one area to the list and returns its CE entry, if it has one. */
function parseArea(path: string, area: Uint8Array, entries: SystemUseEntry[]): Uint8Array | undefined {
  let continuation: Uint8Array | undefined;
  for (let at = 0; at + 4 <= area.length;) {
    const signature = latin1(area, at, 2);
    // Padding, or something that is not SUSP at all.
    if (!/^[A-Z][A-Z0-9]$/.test(signature)) break;
    const length = area[at + 2] ?? 0;
    if (length < 4 || at + length > area.length) {
      throw isoError(path, `its system use entry ${signature} has the impossible length ${length}`);
    }
    if (signature === "ST") break;
    const data = area.subarray(at + 4, at + length);
    if (signature === "CE") continuation = data;
    else entries.push({ signature, data });
    at += length;
  }
  return continuation;
}
