import { UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { userPaths } from "../../paths.ts";
import { withMonitor } from "../../vm/monitor.ts";
import { vmDirs } from "../../vm/places.ts";
import { askQemu, qmpCommands } from "../../vm/guest/raw.ts";
import { parseRawRequest } from "../../vm/guest/raw_request.ts";
import { findRunningVm, type RunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import { type QmpFlags, rawLimits } from "./raw.ts";

/** `pim qmp VM [REQUEST]` */
export async function qmp(
  this: PimContext,
  flags: QmpFlags,
  name = "",
  ...words: string[]
): Promise<void> {
  if (flags.events && words.length > 0) {
    throw new UsageError("Either a command or --events", {
      hint: "Give the command from another terminal first",
    });
  }
  const request = words.length === 0 ? undefined : parseRawRequest(words);
  const vm = await findRunningVm(await vmDirs(userPaths(this.env)), name);
  const limits = { ...rawLimits(flags), signal: this.signal };
  if (flags.events) return await printEvents(this, vm, limits.timeoutMs);
  if (request !== undefined) {
    return this.print(JSON.stringify(await askQemu(vm, request, limits), null, 2));
  }
  const names = await withMonitor(vm, qmpCommands, limits);
  this.print(flags.json ? JSON.stringify(names, null, 2) : names.join("\n"));
}

async function printEvents(context: PimContext, vm: RunningVm, timeoutMs: number): Promise<void> {
  const { signal } = context;
  await withMonitor(vm, async (qmp) => {
    await using events = qmp.events();
    log.info(`Listening to QEMU of ${vm.name}; no other pim can ask it anything until Ctrl-C`);
    const end = () => void events.return?.();
    signal.addEventListener("abort", end, { once: true });
    for await (const { event, data, timeMs } of events) {
      context.print(JSON.stringify({ event, time: new Date(timeMs).toISOString(), data }));
    }
    signal.removeEventListener("abort", end);
  }, { timeoutMs, signal });
  if (!signal.aborted) log.info(`QEMU of ${vm.name} has ended`);
}
