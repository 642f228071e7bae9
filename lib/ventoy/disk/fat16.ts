import { openSource, type Source } from "../../iso/iso9660/source.ts";

interface Geometry {
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  readonly fatOffset: number;
  readonly rootOffset: number;
  readonly rootBytes: number;
  readonly dataOffset: number;
}

interface Entry {
  readonly directory: boolean;
  readonly cluster: number;
  readonly bytes: number;
}

const maxFileBytes = 4 * 1024 * 1024;

/**
 * The content of a small file in a FAT16 file system, or undefined when it is not there. Only short names (8.3) are
 * understood, which is enough for what Ventoy has on its own partition: neither a mount nor root's rights are needed
 * beyond reading the device.
 */
export async function readFat16File(path: string, names: readonly string[]): Promise<Uint8Array | undefined> {
  await using source = await openSource(path);
  const geometry = readGeometry(await source.read(0, 512));
  if (geometry === undefined) return undefined;
  let folder: Uint8Array = await source.read(geometry.rootOffset, geometry.rootBytes);
  for (const [index, name] of names.entries()) {
    const entry = findEntry(folder, name);
    const last = index === names.length - 1;
    if (entry === undefined || entry.directory === last) return undefined;
    const content = await readChain(source, geometry, entry.cluster, last ? entry.bytes : maxFileBytes);
    if (last) return content;
    folder = content;
  }
  return undefined;
}

function readGeometry(sector: Uint8Array): Geometry | undefined {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  const sectorBytes = view.getUint16(11, true);
  const clusterBytes = sectorBytes * view.getUint8(13);
  const fatSectors = view.getUint16(22, true);
  if (view.getUint16(510, true) !== 0xaa55 || ![512, 1024, 2048, 4096].includes(sectorBytes)) {
    return undefined;
  }
  if (clusterBytes === 0 || fatSectors === 0) return undefined;
  const fatOffset = view.getUint16(14, true) * sectorBytes;
  const rootOffset = fatOffset + view.getUint8(16) * fatSectors * sectorBytes;
  const rootBytes = view.getUint16(17, true) * 32;
  return { sectorBytes, clusterBytes, fatOffset, rootOffset, rootBytes, dataOffset: rootOffset + rootBytes };
}

function findEntry(folder: Uint8Array, name: string): Entry | undefined {
  const view = new DataView(folder.buffer, folder.byteOffset, folder.byteLength);
  const [base = "", ending = ""] = name.toUpperCase().split(".");
  const wanted = base.padEnd(8) + ending.padEnd(3);
  for (let at = 0; at + 32 <= folder.length && folder[at] !== 0; at += 32) {
    const attributes = view.getUint8(at + 11);
    // A deleted entry, a piece of a long name, the volume's label.
    if (folder[at] === 0xe5 || (attributes & 0x08) !== 0) continue;
    if (new TextDecoder("latin1").decode(folder.subarray(at, at + 11)) !== wanted) continue;
    return {
      directory: (attributes & 0x10) !== 0,
      cluster: view.getUint16(at + 26, true),
      bytes: view.getUint32(at + 28, true),
    };
  }
  return undefined;
}

async function readChain(
  source: Source,
  geometry: Geometry,
  first: number,
  maxBytes: number,
): Promise<Uint8Array> {
  const { clusterBytes, dataOffset, fatOffset } = geometry;
  const wanted = Math.min(maxBytes, maxFileBytes);
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  for (let cluster = first; cluster >= 2 && cluster < 0xfff8 && bytes < wanted; bytes += clusterBytes) {
    pieces.push(await source.read(dataOffset + (cluster - 2) * clusterBytes, clusterBytes));
    const link = await source.read(fatOffset + cluster * 2, 2);
    cluster = (link[0] as number) | (link[1] as number) << 8;
  }
  const content = new Uint8Array(await new Blob(pieces).arrayBuffer());
  return content.subarray(0, Math.min(content.length, wanted));
}
