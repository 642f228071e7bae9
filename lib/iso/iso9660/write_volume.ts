import { ucs2Bytes } from "./write_names.ts";
import { blockBytes, type Place, recordBytes, setBoth16, setBoth32 } from "./write_record.ts";

/** What a volume descriptor says. */
export interface NewVolume {
  /** A supplementary descriptor, for the tree with names in UCS-2. */
  readonly isJoliet: boolean;
  readonly volume: string;
  readonly root: Place;
  /** The blocks of the path tables in both byte orders. */
  readonly tables: { readonly little: number; readonly big: number };
  /** The size of the whole image. */
  readonly blocks: number;
  readonly created: Date;
}

const pathTableBytes = 10;

/** A volume descriptor (ECMA-119 8.4 and 8.5). */
export function descriptor(volume: NewVolume): Uint8Array<ArrayBuffer> {
  const { isJoliet, created } = volume;
  const bytes = begun(isJoliet ? 2 : 1);
  const view = new DataView(bytes.buffer);
  const texts: [number, number, string][] = [
    [8, 32, ""], // system
    [40, 32, volume.volume],
    [190, 128, ""], // volume set
    [318, 128, ""], // publisher
    [446, 128, ""], // preparer
    [574, 128, "PIM"], // application
    [702, 37, ""], // files with copyright, abstract and bibliography
    [739, 37, ""],
    [776, 37, ""],
  ];
  for (const [at, length, text] of texts) bytes.set(padded(text, length, isJoliet), at);
  setBoth32(view, 80, volume.blocks);
  // The mark of Joliet, for UCS-2 level 3.
  if (isJoliet) bytes.set(new TextEncoder().encode("%/E"), 88);
  setBoth16(view, 120, 1); // volumes in the set
  setBoth16(view, 124, 1); // the number of this one
  setBoth16(view, 128, blockBytes);
  setBoth32(view, 132, pathTableBytes);
  view.setUint32(140, volume.tables.little, true);
  view.setUint32(148, volume.tables.big, false);
  const root = { ...volume.root, identifier: Uint8Array.of(0), isFolder: true, date: created };
  bytes.set(recordBytes({ ...root, systemUse: new Uint8Array() }), 156);
  [created, created, undefined, undefined].forEach((date, index) =>
    bytes.set(longDate(date), 813 + 17 * index)
  );
  view.setUint8(881, 1); // version of the file structure
  return bytes;
}

/** The end of the descriptors (ECMA-119 8.3). */
export function terminator(): Uint8Array<ArrayBuffer> {
  return begun(255);
}

/** A path table with the root folder only (ECMA-119 9.4). */
export function pathTable(rootBlock: number, littleEndian: boolean): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pathTableBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 1); // length of the identifier, which is a zero
  view.setUint32(2, rootBlock, littleEndian);
  view.setUint16(6, 1, littleEndian); // the root is its own parent
  return bytes;
}

function begun(type: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(blockBytes);
  bytes.set(new TextEncoder().encode("\0CD001\x01"));
  bytes[0] = type;
  return bytes;
}

/** A text filled up with spaces, in the encoding of its tree. */
function padded(text: string, length: number, isJoliet: boolean): Uint8Array {
  if (!isJoliet) return new TextEncoder().encode(text.padEnd(length));
  const bytes = new Uint8Array(length);
  bytes.set(ucs2Bytes(text.padEnd(Math.floor(length / 2))));
  return bytes;
}

/** A date in digits, hundredths of a second last, and its time zone (ECMA-119 8.4.26.1); zeros for none. */
function longDate(date: Date | undefined): Uint8Array {
  const digits = date === undefined ? "" : date.toISOString().replaceAll(/[^0-9]/g, "").slice(0, 16);
  return new TextEncoder().encode(`${digits.padEnd(16, "0")}\0`);
}
