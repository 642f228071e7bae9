import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../errors.ts";
import { findProcess, isStillEnding } from "../process_table.ts";
import { isQemuOf } from "./our_qemu.ts";
import type { RunningVm } from "./vms.ts";

// Looking at a process costs a read on Linux, a program elsewhere.
const pollMs = Deno.build.os === "linux" ? 20 : 250;

/** Whether the process of a VM is still its QEMU. */
export async function isThere({ pid, files }: RunningVm): Promise<boolean> {
  const process = await findProcess(pid);
  return process === undefined ? isStillEnding(pid) : isQemuOf(process, files);
}

/** Waits until a VM's QEMU is gone, at most `timeoutMs`; says whether it is. The process itself is looked at, no socket. */
export async function isGoneWithin(vm: RunningVm, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    if (!(await isThere(vm))) return true;
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return false;
    await sleep(Math.min(pollMs, leftMs), undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}
