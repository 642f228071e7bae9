import { exists, removeIfThere } from "../files.ts";
import { UsageError } from "../errors.ts";
import { vmFolders } from "../paths.ts";
import { lockVm } from "./locks.ts";
import type { VmDirs } from "./places.ts";
import { clearRemainsLocked } from "./remains.ts";
import { endVm, type StopOptions, stopVm } from "./stop.ts";
import { inspectVm, isRunning } from "./vms.ts";

/** Removes a VM with its disk; one that runs only by `force`, which ends it at once. Its files may be damaged. */
export async function removeVm(dirs: VmDirs, name: string, options: StopOptions = {}): Promise<void> {
  if (options.force) await stopVm(dirs, name, options);
  await using _lock = await lockVm(dirs.runtimeDir, name, "removing", options.signal);
  if (isRunning(await inspectVm(dirs, name))) {
    if (!options.force) {
      throw new UsageError(`The VM ${name} is running`, {
        hint: `Stop it first: pim stop ${name}. Or end it at once and remove it: pim rm --force ${name}`,
      });
    }
    await endVm(dirs, name, options);
  }
  const { dir, part, replaced } = vmFolders(dirs.vmsDir, name);
  for (const folder of [part, replaced]) await removeIfThere(folder);
  // Under the name of what is only half made: should pim be killed now, the rest is cleared away later.
  if (await exists(dir)) await Deno.rename(dir, part);
  await removeIfThere(part);
  await clearRemainsLocked(dirs, name);
}
