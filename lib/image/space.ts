import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { HostError, messageOf, PimError } from "../errors.ts";

/** Room that will be taken in a folder. */
export interface SpaceNeed {
  readonly dir: string;
  readonly bytes: number;
  /** What takes it: "the finished image". */
  readonly what: string;
}

/** Bytes that this user may still write to the file system of a folder, which need not exist yet. */
export async function freeBytes(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs((await nearestFolder(dir)).path);
  return bavail * bsize;
}

/**
 * Throws HostError when a file system has not enough room. Folders on one file system are added up, and the message
 * shows the sum.
 */
export async function requireSpace(needs: readonly SpaceNeed[]): Promise<void> {
  const perDevice = new Map<number, SpaceNeed[]>();
  for (const need of needs) {
    const { device } = await nearestFolder(need.dir);
    perDevice.set(device, [...perDevice.get(device) ?? [], need]);
  }
  for (const group of perDevice.values()) {
    const dir = group[0]!.dir;
    const sum = group.reduce((total, { bytes }) => total + bytes, 0);
    const free = await freeBytes(dir);
    if (free < sum) throw await spaceError(dir, group, sum, free);
  }
}

async function spaceError(
  dir: string,
  needs: readonly SpaceNeed[],
  sum: number,
  free: number,
): Promise<HostError> {
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const parts = needs.map(({ bytes, what }) => `${size(bytes)} for ${what}`).join(" + ");
  const total = needs.length === 1 ? parts : `${parts} = ${size(sum)}`;
  return new HostError(
    `Not enough room on the file system of ${dir}: ${total} needed, ${size(free)} free, ${
      size(sum - free)
    } missing`,
    { hint: "Remove what is no longer needed (pim build clean), or choose another folder in pim.yml." },
  );
}

/** A folder, or as long as that is not there the nearest one above it, and the file system it is on. */
export async function nearestFolder(dir: string): Promise<{ path: string; device: number }> {
  for (let path = resolve(dir);; path = dirname(path)) {
    try {
      return { path, device: (await Deno.stat(path)).dev };
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound) || path === dirname(path)) {
        throw new PimError(`Cannot look at ${path}: ${messageOf(cause)}`, { cause });
      }
    }
  }
}
