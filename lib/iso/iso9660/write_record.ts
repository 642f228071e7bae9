/** Where a folder or the content of a file is. */
export interface Place {
  readonly block: number;
  readonly bytes: number;
}

/** A directory record to be (ECMA-119 9.1). */
export interface NewRecord extends Place {
  readonly identifier: Uint8Array;
  readonly isFolder: boolean;
  readonly date: Date;
  /** Entries of the system use sharing protocol. */
  readonly systemUse: Uint8Array;
}

/** The size of a block, which is that of a sector here. */
export const blockBytes = 2048;

/** How many blocks so many bytes take. */
export function blocksOf(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}

/** The bytes of a record: 33, the identifier and what follows it, of even length. */
export function recordBytes(record: NewRecord): Uint8Array<ArrayBuffer> {
  const { identifier, date, systemUse } = record;
  const systemUseAt = 33 + identifier.length + (identifier.length % 2 === 0 ? 1 : 0);
  const length = systemUseAt + systemUse.length;
  const bytes = new Uint8Array(length + length % 2);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, bytes.length);
  setBoth32(view, 2, record.block);
  setBoth32(view, 10, record.bytes);
  bytes.set([date.getUTCFullYear() - 1900, date.getUTCMonth() + 1, date.getUTCDate()], 18);
  bytes.set([date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), 0], 21);
  view.setUint8(25, record.isFolder ? 2 : 0);
  setBoth16(view, 28, 1); // the volume's number
  view.setUint8(32, identifier.length);
  bytes.set(identifier, 33);
  bytes.set(systemUse, systemUseAt);
  return bytes;
}

/** Puts records into whole blocks; none crosses the end of one (ECMA-119 6.8.1.1). */
export function packRecords(records: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const placed: { readonly at: number; readonly record: Uint8Array }[] = [];
  let end = 0;
  for (const record of records) {
    const room = blockBytes - end % blockBytes;
    const at = record.length > room ? end + room : end;
    placed.push({ at, record });
    end = at + record.length;
  }
  const bytes = new Uint8Array(blocksOf(end) * blockBytes);
  for (const { at, record } of placed) bytes.set(record, at);
  return bytes;
}

/** A 32-bit number in both byte orders (ECMA-119 7.3.3). */
export function setBoth32(view: DataView, at: number, value: number): void {
  view.setUint32(at, value, true);
  view.setUint32(at + 4, value, false);
}

/** A 16-bit number in both byte orders (ECMA-119 7.2.3). */
export function setBoth16(view: DataView, at: number, value: number): void {
  view.setUint16(at, value, true);
  view.setUint16(at + 2, value, false);
}
