import { PimError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import type { BlockDevice } from "./block_devices.ts";
import { findDevice } from "./find_disk.ts";

/** What tells whether the device behind a path is still the same one. */
export interface DiskIdentity {
  readonly path: string;
  readonly bytes: number;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  /** The kernel's number for this appearance of the disk; since Linux 5.15. */
  readonly sequence: string | undefined;
}

/** Takes the identity of a disk. */
export async function identityOf({ path, name, bytes, model, serial }: BlockDevice): Promise<DiskIdentity> {
  const sequence = (await readTextIfThere(`/sys/class/block/${name}/diskseq`))?.trim();
  return { path, bytes, model, serial, sequence };
}

/** Looks again; throws when another device has taken the place of the one that was confirmed. */
export async function checkIdentity(known: DiskIdentity, signal?: AbortSignal): Promise<BlockDevice> {
  const { disk } = await findDevice(known.path, signal);
  const now = await identityOf(disk);
  const keys = ["path", "bytes", "model", "serial", "sequence"] as const;
  if (keys.every((key) => now[key] === known[key])) return disk;
  throw new PimError(`${known.path} is not the disk any more that was looked at; nothing was written`, {
    hint: "It was unplugged meanwhile. Look again: pim ventoy list",
  });
}
