import { PimError } from "../../errors.ts";

/** Size of a tar archive's records. */
export const recordBytes = 512;

/** What a file is in a tar archive. */
export interface TarEntry {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** "0" is a file, "5" a folder. */
  readonly type: string;
}

/** The header of a file or a folder in the ustar format; sizes from 8 GiB on are written as GNU tar does. */
export function tarHeader({ path, size, mode, uid, gid, type }: TarEntry): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(recordBytes);
  const text = (value: string, offset: number) => header.set(new TextEncoder().encode(value), offset);
  const octal = (value: number, digits: number, offset: number) =>
    text(value.toString(8).padStart(digits, "0"), offset);
  if (new TextEncoder().encode(path).length > 100) {
    throw new PimError(`${path} is too long a name for a tar archive`);
  }
  text(path, 0);
  octal(mode, 7, 100);
  octal(uid, 7, 108);
  octal(gid, 7, 116);
  if (size < 8 ** 11) octal(size, 11, 124);
  else new DataView(header.buffer).setBigUint64(128, BigInt(size)), header[124] = 0x80;
  // No time: the same image is the same layer.
  octal(0, 11, 136);
  text("        ", 148);
  text(type, 156);
  text("ustar\0" + "00", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Bytes that fill a file's last record. */
export function tarPadding(size: number): number {
  return (recordBytes - size % recordBytes) % recordBytes;
}

/** Reads a header; undefined for the empty records at the end. Throws when it is none. */
export function readTarHeader(header: Uint8Array): TarEntry | undefined {
  if (header.every((byte) => byte === 0)) return undefined;
  const text = (offset: number, length: number) =>
    new TextDecoder().decode(header.subarray(offset, offset + length)).replace(/\0.*$/s, "");
  const sum = header.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 32 : byte), 0);
  if (parseInt(text(148, 8), 8) !== sum) throw new PimError("the layer is no tar archive");
  const prefix = text(257, 5) === "ustar" && text(257, 8) !== "ustar  " ? text(345, 155) : "";
  return {
    path: prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    size: number(header, 124, 12),
    mode: number(header, 100, 8),
    uid: number(header, 108, 8),
    gid: number(header, 116, 8),
    type: text(156, 1) || "0",
  };
}

function number(header: Uint8Array, offset: number, length: number): number {
  const field = header.subarray(offset, offset + length);
  if (((field[0] ?? 0) & 0x80) === 0) {
    return parseInt(new TextDecoder().decode(field).replaceAll("\0", "").trim() || "0", 8);
  }
  return field.subarray(1).reduce((value, byte) => value * 256 + byte, (field[0] ?? 0) & 0x7f);
}
