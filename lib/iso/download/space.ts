import { statfs } from "node:fs/promises";
import { HostError, messageOf, PimError } from "../../errors.ts";

interface Claim {
  readonly device: number;
  readonly remainingBytes: () => number;
}

// Of this process, in the order of their claims: who downloads beside others must not count on their space.
const claims = new Set<Claim>();

/**
 * Throws {@linkcode HostError} when a folder's file system has less free space than a download and those that began
 * before it still need. The space counts as taken until what comes back is disposed of.
 */
export async function claimSpace(
  folder: string,
  what: string,
  remainingBytes: () => number,
): Promise<Disposable> {
  const device = (await Deno.stat(folder)).dev;
  const claim = { device, remainingBytes };
  const others = [...claims].filter((each) => each.device === device);
  claims.add(claim);
  const release = { [Symbol.dispose]: () => void claims.delete(claim) };
  try {
    const othersBytes = others.reduce((sum, each) => sum + each.remainingBytes(), 0);
    await checkSpace(folder, remainingBytes(), othersBytes, what);
    return release;
  } catch (error) {
    release[Symbol.dispose]();
    throw error;
  }
}

async function checkSpace(
  folder: string,
  neededBytes: number,
  othersBytes: number,
  what: string,
): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const freeBytes = bavail * bsize;
  if (freeBytes >= neededBytes + othersBytes) return;
  const { default: prettyBytes } = await import("pretty-bytes");
  const show = (bytes: number) => prettyBytes(bytes, { binary: true });
  const beside = othersBytes === 0 ? "" : `, ${show(othersBytes)} more by other downloads,`;
  throw new HostError(
    `No space for ${what}: ${show(neededBytes)} are needed${beside} and ${show(freeBytes)} are free in ` +
      `${folder}; ${show(neededBytes + othersBytes - freeBytes)} are missing`,
    { hint: "Free some space there, or set iso.iso_dir in pim.yml to another folder." },
  );
}

/** Thrown when a disk is full in the middle of a download (exit code 3). */
export class DiskFullError extends HostError {}

/** The error for a .part file that cannot be written. */
export function writeError(path: string, cause: unknown): PimError {
  const code = (cause as { code?: string }).code ?? "";
  const full = ["ENOSPC", "EDQUOT"].includes(code) || /\(os error (28|122)\)/.test(messageOf(cause));
  return full
    ? new DiskFullError(`Cannot write ${path}: the disk is full`, { cause, hint: "Free some space there." })
    : new PimError(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
}
