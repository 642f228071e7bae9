import { readTextIfThere } from "../../files.ts";

/** A name of the time since this machine was started; undefined where the kernel has none (only Linux has). */
export async function bootId(): Promise<string | undefined> {
  return (await readTextIfThere("/proc/sys/kernel/random/boot_id"))?.trim();
}
