import { UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { userPaths } from "../../paths.ts";
import { withMonitor } from "../../vm/monitor.ts";
import { vmDirs } from "../../vm/places.ts";
import { askGuest, askQemu, guestCommands, qmpCommands, type RawOptions } from "../../vm/raw.ts";
import { parseRawRequest } from "../../vm/raw_request.ts";
import { findRunningVm, type RunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { GaFlags, QmpFlags } from "./raw.ts";

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
  const options = optionsOf(flags, this.signal);
  if (flags.events) return await printEvents(this, vm, options);
  if (request !== undefined) return printReturn(this, await askQemu(vm, request, options));
  const names = await withMonitor(vm, qmpCommands, options);
  this.print(flags.json ? JSON.stringify(names, null, 2) : names.join("\n"));
}

/** `pim ga VM [REQUEST]` */
export async function ga(this: PimContext, flags: GaFlags, name = "", ...words: string[]): Promise<void> {
  const request = words.length === 0 ? undefined : parseRawRequest(words);
  const dirs = await vmDirs(userPaths(this.env));
  const vm = await findRunningVm(dirs, name);
  const options = optionsOf(flags, this.signal);
  if (request === undefined) {
    const commands = await guestCommands(dirs, vm, options);
    const line = (each: typeof commands[number]) => `${each.name}${each.enabled ? "" : "  (refused)"}`;
    return this.print(flags.json ? JSON.stringify(commands, null, 2) : commands.map(line).join("\n"));
  }
  const answer = await askGuest(dirs, vm, request, options);
  if (answer !== undefined) return printReturn(this, answer);
  log.info(`The guest agent was told ${request.command}, which it does not answer`);
}

function optionsOf({ timeout }: GaFlags, signal: AbortSignal): RawOptions {
  return { timeoutMs: (timeout ?? 5) * 1000, answerMs: (timeout ?? 30) * 1000, signal };
}

function printReturn(context: PimContext, value: unknown): void {
  context.print(JSON.stringify(value, null, 2));
}

async function printEvents(context: PimContext, vm: RunningVm, options: RawOptions): Promise<void> {
  const { signal } = context;
  await withMonitor(vm, async (qmp) => {
    await using events = qmp.events();
    const end = () => void events.return?.();
    signal.addEventListener("abort", end, { once: true });
    for await (const { event, data, timeMs } of events) {
      context.print(JSON.stringify({ event, time: new Date(timeMs).toISOString(), data }));
    }
    signal.removeEventListener("abort", end);
  }, options);
  if (!signal.aborted) log.info(`QEMU of ${vm.name} has ended`);
}
