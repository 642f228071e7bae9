import { UsageError } from "../errors.ts";

const powers: Record<string, number> = { "": 0, K: 1, M: 2, G: 3, T: 4 };
const sector = 512;

/** Bytes of a size such as "20G", "512M", "1.5TiB" (powers of 1024), rounded up to whole sectors. */
export function parseDiskSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim());
  const diskBytes = match ? Number(match[1]) * 1024 ** (powers[(match[2] ?? "").toUpperCase()] ?? 0) : NaN;
  if (!(diskBytes >= sector) || diskBytes > Number.MAX_SAFE_INTEGER) {
    throw new UsageError(`Not a disk size: "${text}"`, { hint: 'Write it as "20G" or "512M".' });
  }
  return Math.ceil(diskBytes / sector) * sector;
}
