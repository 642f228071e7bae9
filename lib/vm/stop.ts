import { CancelledError, messageOf, PimError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { QmpClosedError } from "../qemu/qmp_error.ts";
import { signalProcess } from "../sudo.ts";
import { askGuest, type GuestWay } from "./guest/ask_guest.ts";
import { isGoneWithin, isThere } from "./gone.ts";
import { lockVm, tryLockVm } from "./locks.ts";
import { withMonitor } from "./monitor.ts";
import type { VmDirs } from "./places.ts";
import { clearRemainsLocked, type Remains } from "./remains.ts";
import { inspectVm, isRunning, type RunningVm } from "./vms.ts";

/** What ended a VM: its guest, or QEMU that was told to quit or signalled. */
export type StopWay = GuestWay | "quit" | "SIGTERM" | "SIGKILL";

/** Options of {@linkcode stopVm}. */
export interface StopOptions {
  /** How long the guest may take to power off; default 90 000. */
  readonly timeoutMs?: number;
  /** Do not ask the guest at all, nor wait for another pim that does. */
  readonly force?: boolean;
  /** Leaves the VM as it is when aborted. */
  readonly signal?: AbortSignal;
  /** Called with each thing that is tried, in words. */
  readonly onProgress?: (text: string) => void;
}

/** How a VM was stopped. */
export interface Stopped {
  readonly name: string;
  /** Undefined when it did not run. */
  readonly way: StopWay | undefined;
  readonly elapsedMs: number;
  /** What its QEMU, if it was gone already, had left. */
  readonly remains: Remains;
}

const defaultTimeoutMs = 90_000;
const monitorTimeoutMs = 2000;
// QEMU has to write what is in its caches: a SIGKILL in the middle of it could spoil the disk.
const quitPatienceMs = 15_000;
const signalPatienceMs = 5000;

/**
 * Stops a VM, the gentle ways first: guest agent, power button, then QEMU's quit, SIGTERM, SIGKILL. One that does not
 * run is no error. Only a process that is known to be the VM's QEMU is ever signalled.
 */
export async function stopVm(dirs: VmDirs, name: string, options: StopOptions = {}): Promise<Stopped> {
  let endedBy: StopWay | undefined;
  if (options.force) {
    // Another pim may wait for this guest for a while yet, holding the lock.
    await using lock = await tryLockVm(dirs.runtimeDir, name, "stopping");
    if (lock !== undefined) return await stopLocked(dirs, name, options);
    const vm = await inspectVm(dirs, name);
    endedBy = isRunning(vm) ? await endQemu(vm, options) : undefined;
  }
  await using _lock = await lockVm(dirs.runtimeDir, name, "stopping", options.signal);
  const stopped = await stopLocked(dirs, name, options);
  return { ...stopped, way: stopped.way ?? endedBy };
}

/** {@linkcode stopVm} for whoever holds the VM's lock. */
async function stopLocked(dirs: VmDirs, name: string, options: StopOptions = {}): Promise<Stopped> {
  const startedMs = performance.now();
  const way = await endVm(dirs, name, options);
  const remains = await clearRemainsLocked(dirs, name);
  return { name, way, elapsedMs: performance.now() - startedMs, remains };
}

/** Ends a VM's QEMU and leaves its files, for whoever holds its lock; undefined when it does not run. */
export async function endVm(dirs: VmDirs, name: string, options: StopOptions): Promise<StopWay | undefined> {
  const vm = await inspectVm(dirs, name);
  if (!isRunning(vm)) return undefined;
  const { force, timeoutMs = defaultTimeoutMs } = options;
  const way = force ? undefined : await askGuest(dirs, vm, { ...options, timeoutMs });
  return way ?? await endQemu(vm, options);
}

async function endQemu(vm: RunningVm, { signal, onProgress }: StopOptions): Promise<StopWay> {
  onProgress?.("telling QEMU to quit");
  const heard = await quit(vm, { signal, onProgress });
  if (await isGoneWithin(vm, heard ? quitPatienceMs : 0, signal)) return "quit";
  for (const name of ["SIGTERM", "SIGKILL"] as const) {
    onProgress?.(`sending ${name} to QEMU, process ${vm.pid}`);
    // Looked at right before: the id may be another program's by now.
    if (await isThere(vm)) await signalProcess(vm.pid, name, { signal });
    if (!(await isGoneWithin(vm, signalPatienceMs, signal))) continue;
    // It could not take its pid file away, which would make it a crash.
    await removeIfThere(vm.files.pid);
    return name;
  }
  throw new PimError(`QEMU of ${vm.name} (process ${vm.pid}) does not end, not even by SIGKILL`, {
    hint:
      `It may wait for a disk or a device of the host. What it waits for: ps -o pid,stat,wchan:20 -p ${vm.pid}`,
  });
}

/** Whether QEMU heard that it should quit. */
async function quit(vm: RunningVm, { signal, onProgress }: StopOptions): Promise<boolean> {
  let connected = false;
  try {
    await withMonitor(vm, async (qmp) => {
      connected = true;
      await qmp.execute("quit", {}, { timeoutMs: monitorTimeoutMs, signal });
    }, { timeoutMs: monitorTimeoutMs, signal });
    return true;
  } catch (error) {
    if (!(error instanceof PimError) || error instanceof CancelledError) throw error;
    // It may close the connection sooner than it answers.
    if (connected && error.cause instanceof QmpClosedError) return true;
    onProgress?.(messageOf(error));
    return false;
  }
}
