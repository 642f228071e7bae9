import { isoError } from "./source.ts";
import type { Extent } from "./volume.ts";

/** A directory record as it is on the disc (ECMA-119 9.1). */
export interface DirectoryRecord {
  /** The identifier's raw bytes; one byte 0 or 1 for the folder itself and its parent. */
  readonly identifier: Uint8Array;
  readonly extent: Extent;
  readonly isDirectory: boolean;
  /** An associated file (a resource fork) that stands beside the real one. */
  readonly isAssociated: boolean;
  /** Whether the next record continues this file. */
  readonly continues: boolean;
  readonly interleaved: boolean;
  /** What follows the identifier: the system use area of SUSP. */
  readonly systemUse: Uint8Array;
}

const sectorBytes = 2048;
const fixedBytes = 33;

/** Splits the content of a directory into its records. */
export function* parseRecords(
  path: string,
  content: Uint8Array,
  blockBytes: number,
): Generator<DirectoryRecord> {
  for (let at = 0; at < content.length;) {
    const length = content[at] ?? 0;
    const sectorEnd = Math.min(content.length, (Math.floor(at / sectorBytes) + 1) * sectorBytes);
    if (length === 0) {
      // No record crosses a sector; the rest of this one is padding.
      at = sectorEnd;
      continue;
    }
    if (length < fixedBytes + 1 || at + length > sectorEnd) {
      throw isoError(path, `a directory record has the impossible length ${length}`);
    }
    yield parseRecord(path, content.subarray(at, at + length), blockBytes);
    at += length;
  }
}

function parseRecord(path: string, bytes: Uint8Array, blockBytes: number): DirectoryRecord {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const nameBytes = view.getUint8(32);
  if (nameBytes === 0 || fixedBytes + nameBytes > bytes.length) {
    throw isoError(path, "a directory record has a name longer than itself");
  }
  const flags = view.getUint8(25);
  // The data begins after the extended attribute record, whose length byte 1 gives in blocks.
  const block = view.getUint32(2, true) + view.getUint8(1);
  // A name of even length is followed by a padding byte.
  const systemUseAt = fixedBytes + nameBytes + (nameBytes % 2 === 0 ? 1 : 0);
  return {
    identifier: bytes.subarray(fixedBytes, fixedBytes + nameBytes),
    extent: { offset: block * blockBytes, bytes: view.getUint32(10, true) },
    isDirectory: (flags & 0x02) !== 0,
    isAssociated: (flags & 0x04) !== 0,
    continues: (flags & 0x80) !== 0,
    interleaved: view.getUint8(26) !== 0 || view.getUint8(27) !== 0,
    systemUse: bytes.subarray(Math.min(systemUseAt, bytes.length)),
  };
}

/** Whether a record stands for the folder itself ("."). */
export function isSelf(record: DirectoryRecord): boolean {
  return record.identifier.length === 1 && record.identifier[0] === 0;
}

/** Whether a record stands for the folder above (".."). */
export function isParent(record: DirectoryRecord): boolean {
  return record.identifier.length === 1 && record.identifier[0] === 1;
}
