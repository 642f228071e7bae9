import { isoError, type Source } from "./source.ts";

/** How names are written in the tree that is read: by Rock Ridge, by Joliet, or as plain ISO 9660. */
export type Naming = "rock-ridge" | "joliet" | "plain";

/** A stretch of the image, in bytes. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
}

/** A volume descriptor with a directory tree (ECMA-119 8.4 and 8.5). */
export interface Volume {
  readonly volumeId: string;
  readonly blockBytes: number;
  readonly root: Extent;
}

/** The descriptors of an image. */
export interface Volumes {
  readonly primary: Volume;
  readonly joliet: Volume | undefined;
}

const sectorBytes = 2048;
const firstSector = 16;
const maxDescriptors = 64;

/** Reads the volume descriptors from sector 16 on (ECMA-119 6.7.1). */
export async function readVolumes(source: Source): Promise<Volumes> {
  let primary: Volume | undefined;
  let joliet: Volume | undefined;
  for (let index = 0; index < maxDescriptors; index++) {
    const offset = (firstSector + index) * sectorBytes;
    if (offset + sectorBytes > source.bytes) {
      throw isoError(
        source.path,
        index === 0 ? "it is too short to be an ISO" : "it ends within its descriptors",
      );
    }
    const bytes = await source.read(offset, sectorBytes);
    if (latin1(bytes, 1, 5) !== "CD001") {
      throw isoError(source.path, "no ISO 9660 file system is in it");
    }
    const type = bytes[0];
    if (type === 255) break;
    if (type === 1) primary ??= parseVolume(source, bytes, false);
    if (type === 2 && isJoliet(bytes)) joliet ??= parseVolume(source, bytes, true);
  }
  if (primary === undefined) throw isoError(source.path, "it has no primary volume descriptor");
  return { primary, joliet };
}

function parseVolume(source: Source, bytes: Uint8Array, wide: boolean): Volume {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const blockBytes = view.getUint16(128, true);
  if (![512, 1024, 2048].includes(blockBytes)) {
    throw isoError(source.path, `its logical block size is ${blockBytes}`);
  }
  // The root's directory record lies within the descriptor, at byte 156.
  const location = view.getUint32(158, true) + (bytes[157] ?? 0);
  return {
    volumeId: (wide ? ucs2(bytes, 40, 32) : latin1(bytes, 40, 32)).replace(/[\0 ]+$/, ""),
    blockBytes,
    root: { offset: location * blockBytes, bytes: view.getUint32(166, true) },
  };
}

/** Joliet is marked by an escape sequence for UCS-2 level 1, 2 or 3 (Joliet specification, section 1). */
function isJoliet(bytes: Uint8Array): boolean {
  return bytes[88] === 0x25 && bytes[89] === 0x2f && [0x40, 0x43, 0x45].includes(bytes[90] ?? 0);
}

/** Decodes one byte per character. */
export function latin1(bytes: Uint8Array, start = 0, length: number = bytes.length - start): string {
  let text = "";
  for (const byte of bytes.subarray(start, start + length)) text += String.fromCharCode(byte);
  return text;
}

/** Decodes big-endian UTF-16, of which Joliet's UCS-2 is a part. */
export function ucs2(bytes: Uint8Array, start = 0, length: number = bytes.length - start): string {
  let text = "";
  for (let at = start; at + 1 < start + length; at += 2) {
    text += String.fromCharCode((bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0));
  }
  return text;
}
