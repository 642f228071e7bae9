import { CancelledError, UsageError } from "../../errors.ts";
import { log as note } from "../../log.ts";
import { writeAll } from "../../output.ts";
import { userPaths } from "../../paths.ts";
import { vmDirs } from "../../vm/places.ts";
import { endOf, findLog, readLog } from "../../vm/console/vm_log.ts";
import { findRunningVm, findVm, isRunning } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { LogFlags } from "./console.ts";
import { showConsole } from "./show_console.ts";

/** `pim console VM` */
export async function attach(this: PimContext, _flags: unknown, name: string): Promise<void> {
  const dirs = await vmDirs(userPaths(this.env));
  await showConsole(this, dirs, await findRunningVm(dirs, name));
}

/** `pim log VM` */
export async function log(this: PimContext, flags: LogFlags, name: string): Promise<void> {
  const { follow, lines, raw, qemu, previous } = flags;
  if (follow && previous) {
    throw new UsageError("Nothing can be added to the log of an earlier start: --follow or --previous");
  }
  const vm = await findVm(await vmDirs(userPaths(this.env)), name);
  const path = await findLog(vm, { qemu, previous });
  using end = follow ? endOf(vm) : undefined;
  const until = end && AbortSignal.any([end.signal, this.signal]);
  let bytes = 0;
  try {
    // QEMU's own words are readable as they are.
    for await (const piece of readLog(path, { lines, raw: raw || qemu, until })) {
      if (!follow && this.signal.aborted) break;
      bytes += piece.length;
      await writeAll(this.stdout, piece);
    }
  } catch (error) {
    // Whoever read has had enough: `pim log -f VM | grep -m 1 login:`.
    if (error instanceof Deno.errors.BrokenPipe) return;
    throw error;
  }
  if (this.signal.aborted) throw new CancelledError();
  if (follow && isRunning(vm)) note.info(`${vm.name} has ended`);
  else if (bytes === 0 && lines !== 0) note.info(`${path} is empty`);
}
