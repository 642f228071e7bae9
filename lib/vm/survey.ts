import { exists } from "../files.ts";
import { doingNow } from "./locks.ts";
import type { VmDirs } from "./places.ts";
import { clearRemains, type Crash, hasRemains } from "./remains.ts";
import { askRunState } from "./run_state.ts";
import { inspectVm, isRunning, listVms, type Vm } from "./vms.ts";

/** A VM and what it does. */
export interface SurveyedVm {
  readonly vm: Vm;
  /** A word of QEMU's (see runState), "not answering", "stopped", or what another pim does with it. */
  readonly state: string;
}

/** What was found of all VMs. */
export interface Survey {
  /** By name. */
  readonly vms: readonly SurveyedVm[];
  /** VMs whose QEMU was found to have crashed; each is told of only once. */
  readonly crashes: readonly { readonly name: string; readonly crash: Crash }[];
}

/**
 * Looks at all VMs at once and clears away what those that are gone have left.
 *
 * @param timeoutMs how long each QEMU may take to answer
 */
export async function surveyVms(dirs: VmDirs, timeoutMs: number): Promise<Survey> {
  return await survey(dirs, await listVms(dirs), timeoutMs);
}

/** {@linkcode surveyVms} for one VM. */
export async function surveyVm(dirs: VmDirs, vm: Vm, timeoutMs: number): Promise<Survey> {
  return await survey(dirs, [vm], timeoutMs);
}

async function survey(dirs: VmDirs, vms: readonly Vm[], timeoutMs: number): Promise<Survey> {
  const crashes: { name: string; crash: Crash }[] = [];
  const found = await Promise.all(vms.map((vm) =>
    lookAt(dirs, vm, {
      timeoutMs,
      onCrash: (crash) => crashes.push({ name: vm.name, crash }),
    })
  ));
  return { vms: found.filter((each) => each !== undefined), crashes };
}

interface Look {
  readonly timeoutMs: number;
  readonly onCrash: (crash: Crash) => void;
}

/** One VM; undefined when nothing of it is there, or nothing any more. */
async function lookAt(dirs: VmDirs, vm: Vm, look: Look): Promise<SurveyedVm | undefined> {
  const doing = await doingOf(dirs, vm);
  if (isRunning(vm)) {
    const state = doing ?? await askRunState(vm, look.timeoutMs);
    if (state !== "not answering") return { vm, state };
    // It may have ended just now.
    const again = await inspectVm(dirs, vm.name);
    return isRunning(again) ? { vm: again, state } : await lookAt(dirs, again, look);
  }
  if (doing !== undefined) return { vm, state: doing };
  if (!(await hasRemains(dirs, vm))) return await stopped(vm, "stopped");
  const remains = await clearRemains(dirs, vm.name);
  if (remains.kind === "crashed") look.onCrash(remains);
  const now = await inspectVm(dirs, vm.name);
  // Started since the list was made.
  if (isRunning(now)) return await lookAt(dirs, now, look);
  return await stopped(now, remains.kind === "busy" ? await doingOf(dirs, now) ?? "stopped" : "stopped");
}

/** A VM that does not run, if anything of it is kept. */
async function stopped(vm: Vm, state: string): Promise<SurveyedVm | undefined> {
  return await exists(vm.folder.dir) ? { vm, state } : undefined;
}

/** What another pim does with a VM, other than to look at it as this one does. */
async function doingOf({ runtimeDir }: VmDirs, { name }: Vm): Promise<string | undefined> {
  const doing = await doingNow(runtimeDir, name);
  return doing === "clearing up" ? undefined : doing;
}
