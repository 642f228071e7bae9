import { setBoth32 } from "./write_record.ts";

// The Linux kernel uses Rock Ridge only where ER names it; its description may be empty.
const extension = "RRIP_1991A";
const folderMode = 0o040555;
const fileMode = 0o100444;

/** The entries of the root folder's own record: SP begins the protocol, ER names Rock Ridge (SUSP 5.3 and 5.5). */
export function rootEntries(): Uint8Array<ArrayBuffer> {
  return join(
    entry("SP", Uint8Array.of(0xbe, 0xef, 0)),
    entry("ER", join(Uint8Array.of(extension.length, 0, 0, 1), ascii(extension))),
    posix(folderMode, 2),
  );
}

/** The entries of the record for the folder above. */
export function parentEntries(): Uint8Array<ArrayBuffer> {
  return posix(folderMode, 2);
}

/** The entries of a file: what it is, and its true name (RRIP 4.1.1 and 4.1.4). */
export function fileEntries(name: string): Uint8Array<ArrayBuffer> {
  return join(posix(fileMode, 1), entry("NM", join(Uint8Array.of(0), ascii(name))));
}

/** Type and permissions, number of links, owner and group: root. */
function posix(mode: number, links: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(32);
  const view = new DataView(data.buffer);
  setBoth32(view, 0, mode);
  setBoth32(view, 8, links);
  return entry("PX", data);
}

function entry(signature: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(ascii(signature), Uint8Array.of(4 + data.length, 1), data);
}

function ascii(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function join(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
