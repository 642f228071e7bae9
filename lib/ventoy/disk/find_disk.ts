import { messageOf, UsageError } from "../../errors.ts";
import { type BlockDevice, listBlockDevices, withChildren } from "./block_devices.ts";

/** A device that was named, and the disk that it is or lies on. */
export interface FoundDevice {
  readonly device: BlockDevice;
  readonly disk: BlockDevice;
}

/** The block device behind a path, links such as /dev/disk/by-id/… followed. Throws a UsageError for what is none. */
export async function findDevice(path: string, signal?: AbortSignal): Promise<FoundDevice> {
  const devices = await listBlockDevices(signal);
  const hint = "See the disks that there are with: pim ventoy list";
  let real: string;
  try {
    real = await Deno.realPath(path);
    if (!(await Deno.stat(real)).isBlockDevice) {
      throw new UsageError(`${path} is no disk: it is no block device`, { hint });
    }
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const why = cause instanceof Deno.errors.NotFound ? "there is no such device" : messageOf(cause);
    throw new UsageError(`Cannot use ${path}: ${why}`, { hint, cause });
  }
  for (const disk of devices) {
    const device = withChildren(disk).find((each) => each.path === real);
    if (device !== undefined) return { device, disk };
  }
  throw new UsageError(`${path} is no disk: lsblk does not list ${real}`, { hint });
}
