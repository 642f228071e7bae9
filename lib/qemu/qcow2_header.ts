import { PimError } from "../errors.ts";

// Offsets in the header (QEMU docs: interop/qcow2): magic 0, version 4, offset of the backing file's name 8, its length 16.
const magic = 0x514649fb;
const headBytes = 20;
// What QEMU itself allows.
const maxNameBytes = 1023;

/**
 * The name of the file under a qcow2 file, as it stands in the header; undefined when there is none, or when the file is
 * no qcow2. Nothing is locked and nobody asked, so it works while QEMU writes to the file.
 */
export async function backingFileOf(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  const head = new DataView((await readAt(file, 0, headBytes)).buffer);
  if (head.byteLength < headBytes || head.getUint32(0) !== magic) return undefined;
  const [offset, length] = [Number(head.getBigUint64(8)), head.getUint32(16)];
  if (offset === 0 || length === 0) return undefined;
  if (length > maxNameBytes) throw new PimError(`${path} is damaged: its header names no file that could be`);
  return new TextDecoder().decode(await readAt(file, offset, length));
}

async function readAt(file: Deno.FsFile, offset: number, length: number): Promise<Uint8Array> {
  await file.seek(offset, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  let count = 0;
  while (count < length) {
    const read = await file.read(bytes.subarray(count));
    if (read === null) break;
    count += read;
  }
  return bytes.slice(0, count);
}
