import { UsageError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import { type BlockDevice, withChildren } from "./block_devices.ts";
import type { FoundDevice } from "./find_disk.ts";
import { refuseDisk } from "./refusal.ts";

/** Throws when a device must not be written to: for what lsblk tells of it, or because a loop device lies over it. */
export async function checkMayWrite(
  found: FoundDevice,
  options: { readonly allowFixed?: boolean } = {},
): Promise<void> {
  const refused = refuseDisk(found, options);
  if (refused !== undefined) throw refused;
  const loop = await loopOver(found.disk);
  if (loop === undefined) return;
  throw new UsageError(`${found.device.path} is not written to: /dev/${loop} lies over it`, {
    hint: `Detach that first: sudo losetup --detach /dev/${loop}`,
  });
}

/** The loop device that is made of a disk or of something on it; lsblk does not tell of those. */
async function loopOver(disk: BlockDevice): Promise<string | undefined> {
  const paths = withChildren(disk).map(({ path }) => path);
  for await (const { name } of Deno.readDir("/sys/class/block")) {
    if (!/^loop\d+$/.test(name)) continue;
    const backing = await readTextIfThere(`/sys/class/block/${name}/loop/backing_file`);
    if (backing !== undefined && paths.includes(backing.trim())) return name;
  }
  return undefined;
}
