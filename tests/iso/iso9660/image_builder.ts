// Builds small ISO images byte by byte, so that tests can make what no tool would: see ECMA-119 for the layout.

export const sectorBytes = 2048;

/** A directory record to be. */
export interface RecordSpec {
  /** The identifier; "\0" is the folder itself, "\x01" its parent. */
  readonly name: string;
  readonly block: number;
  readonly bytes: number;
  /** 2: directory, 4: associated, 0x80: continues in the next record. */
  readonly flags?: number;
  readonly systemUse?: Uint8Array;
  /** In place of the true length of the record. */
  readonly claimedLength?: number;
  readonly claimedNameLength?: number;
  readonly interleave?: number;
}

/** Bytes of the text, one for each character. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Joins pieces of bytes. */
export function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A 32-bit number in both byte orders, as ISO 9660 has them. */
export function both32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, value, true);
  view.setUint32(4, value, false);
  return bytes;
}

/** One directory record. */
export function record(spec: RecordSpec): Uint8Array<ArrayBuffer> {
  const name = bytesOf(spec.name);
  const padding = name.length % 2 === 0 ? 1 : 0;
  const systemUse = spec.systemUse ?? new Uint8Array();
  const length = 33 + name.length + padding + systemUse.length;
  const bytes = new Uint8Array(length + length % 2);
  bytes[0] = spec.claimedLength ?? bytes.length;
  bytes.set(both32(spec.block), 2);
  bytes.set(both32(spec.bytes), 10);
  bytes[25] = spec.flags ?? 0;
  bytes[27] = spec.interleave ?? 0;
  bytes[28] = 1;
  bytes[31] = 1;
  bytes[32] = spec.claimedNameLength ?? name.length;
  bytes.set(name, 33);
  bytes.set(systemUse, 33 + name.length + padding);
  return bytes;
}

/** A system use entry. */
export function entry(signature: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(bytesOf(signature), Uint8Array.of(4 + data.length, 1), data);
}

/** The entries that announce Rock Ridge in the root folder's own record. */
export const rockRidge = join(entry("SP", Uint8Array.of(0xbe, 0xef, 0)), entry("RR", Uint8Array.of(0x81)));

/** A name for Rock Ridge. */
export function nm(name: string, flags = 0): Uint8Array<ArrayBuffer> {
  return entry("NM", join(Uint8Array.of(flags), bytesOf(name)));
}

/** A symbolic link whose parts are plain names. */
export function sl(...parts: readonly string[]): Uint8Array<ArrayBuffer> {
  return entry(
    "SL",
    join(
      Uint8Array.of(0),
      ...parts.map((part) => {
        if (part === "/") return Uint8Array.of(8, 0);
        return part === ".." ? Uint8Array.of(4, 0) : join(Uint8Array.of(0, part.length), bytesOf(part));
      }),
    ),
  );
}

/** A continuation elsewhere. */
export function ce(block: number, offset: number, length: number): Uint8Array<ArrayBuffer> {
  return entry("CE", join(both32(block), both32(offset), both32(length)));
}

/** The parts of an image: blocks by their number. Block 20 is the root folder. */
export interface ImageSpec {
  /** The records of the root folder after its own two. */
  readonly root: readonly RecordSpec[];
  readonly rootSystemUse?: Uint8Array;
  /** What the descriptor and "." say of the root's size. */
  readonly rootBytes?: number;
  readonly rootBlock?: number;
  readonly blocks?: Readonly<Record<number, Uint8Array>>;
  /** Size of the whole image in blocks. */
  readonly sectors?: number;
  readonly blockBytes?: number;
}

export const rootBlock = 20;

/** An image as bytes. */
export function buildImage(spec: ImageSpec): Uint8Array<ArrayBuffer> {
  const image = new Uint8Array((spec.sectors ?? 40) * sectorBytes);
  const root = { block: spec.rootBlock ?? rootBlock, bytes: spec.rootBytes ?? sectorBytes, flags: 2 };
  const primary = image.subarray(16 * sectorBytes, 17 * sectorBytes);
  primary.set(join(Uint8Array.of(1), bytesOf("CD001\x01")));
  primary.fill(0x20, 40, 72);
  primary.set(bytesOf("CRAFTED"), 40);
  new DataView(primary.buffer, primary.byteOffset).setUint16(128, spec.blockBytes ?? sectorBytes, true);
  primary.set(record({ name: "\0", ...root }), 156);
  image.set(join(Uint8Array.of(255), bytesOf("CD001\x01")), 17 * sectorBytes);
  image.set(
    directory({ ...root, systemUse: spec.rootSystemUse }, root, spec.root),
    rootBlock * sectorBytes,
  );
  for (const [block, content] of Object.entries(spec.blocks ?? {})) {
    image.set(content, Number(block) * sectorBytes);
  }
  return image;
}

type Place = Pick<RecordSpec, "block" | "bytes" | "flags" | "systemUse">;

/** The content of a folder: its own record, its parent's, and others. */
export function directory(
  self: Place,
  parent: Place,
  records: readonly RecordSpec[],
): Uint8Array<ArrayBuffer> {
  return join(
    record({ name: "\0", ...self }),
    record({ name: "\x01", ...parent, systemUse: undefined }),
    ...records.map(record),
  );
}
