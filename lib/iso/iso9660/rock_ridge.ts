import { isoError } from "./source.ts";
import type { SystemUseEntry } from "./susp.ts";
import { latin1 } from "./volume.ts";

/** What Rock Ridge (IEEE P1282) says of a file. */
export interface RockRidge {
  readonly name: string | undefined;
  /** Type and permissions as in stat(2). */
  readonly mode: number | undefined;
  readonly linkTarget: string | undefined;
  /** The block where a folder that was moved up the tree really is (CL). */
  readonly childBlock: number | undefined;
  /** A folder that is only kept here for another place that points to it (RE). */
  readonly relocated: boolean;
  /** Compressed by zisofs, which a reader must undo. */
  readonly compressed: boolean;
}

const utf8 = new TextDecoder();
const maxNameBytes = 4096;

/** Whether the entries of the root folder's own record announce Rock Ridge; with LEN_SKP if they do. */
export function rockRidgeSkip(entries: readonly SystemUseEntry[]): number | undefined {
  const sp = entries.find((entry) => entry.signature === "SP")?.data;
  if (sp?.[0] !== 0xbe || sp[1] !== 0xef) return undefined;
  const announced = entries.some((entry) =>
    entry.signature === "PX" || entry.signature === "RR" ||
    (entry.signature === "ER" && /RRIP_1991A|IEEE_P?1282/.test(latin1(entry.data)))
  );
  return announced ? sp[2] ?? 0 : undefined;
}

/** Puts the Rock Ridge entries of one directory record together. */
export function parseRockRidge(path: string, entries: readonly SystemUseEntry[]): RockRidge {
  const px = entries.find((entry) => entry.signature === "PX")?.data;
  const cl = entries.find((entry) => entry.signature === "CL")?.data;
  return {
    name: alternateName(path, entries),
    mode: px !== undefined && px.length >= 4 ? littleEndian(px) : undefined,
    linkTarget: linkTarget(path, entries),
    childBlock: cl !== undefined && cl.length >= 4 ? littleEndian(cl) : undefined,
    relocated: entries.some((entry) => entry.signature === "RE"),
    compressed: entries.some((entry) => entry.signature === "ZF"),
  };
}

function littleEndian(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset, data.byteLength).getUint32(0, true);
}

/** NM entries (4.1.4): one flag byte, then a piece of the name. */
function alternateName(path: string, entries: readonly SystemUseEntry[]): string | undefined {
  const pieces: Uint8Array[] = [];
  for (const { signature, data } of entries) {
    // Flags 2 and 4 mark "." and "..", which the identifier says already.
    if (signature !== "NM" || ((data[0] ?? 0) & 0x06) !== 0) continue;
    pieces.push(data.subarray(1));
    if (((data[0] ?? 0) & 0x01) === 0) break;
  }
  return pieces.length === 0 ? undefined : utf8.decode(concat(path, pieces));
}

/** SL entries (4.1.3): a list of components, each with a flag byte and a length. */
function linkTarget(path: string, entries: readonly SystemUseEntry[]): string | undefined {
  const links = entries.filter((entry) => entry.signature === "SL");
  if (links.length === 0) return undefined;
  const parts: string[] = [];
  let pending: Uint8Array[] = [];
  let absolute = false;
  for (const { data } of links) {
    for (let at = 1; at + 2 <= data.length;) {
      const [flags, length] = [data[at] ?? 0, data[at + 1] ?? 0];
      if (at + 2 + length > data.length) throw isoError(path, "a symbolic link has an impossible length");
      if ((flags & 0x08) !== 0) absolute = true;
      else if ((flags & 0x02) !== 0) parts.push(".");
      else if ((flags & 0x04) !== 0) parts.push("..");
      else pending.push(data.subarray(at + 2, at + 2 + length));
      if ((flags & 0x01) === 0 && pending.length > 0) {
        parts.push(utf8.decode(concat(path, pending)));
        pending = [];
      }
      at += 2 + length;
    }
  }
  return (absolute ? "/" : "") + parts.join("/");
}

function concat(path: string, pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (length > maxNameBytes) throw isoError(path, `a name in it has ${length} bytes`);
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
