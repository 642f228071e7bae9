import { PimError } from "../errors.ts";
import { probeQemu } from "../qemu/host.ts";
import { createThrowAwayDisk } from "./create.ts";
import { readDefinition, type VmDefinition } from "./definition.ts";
import { requireImage } from "./kept.ts";
import { lockVm } from "./locks.ts";
import type { VmPlaces } from "./places.ts";
import { clearRemainsLocked, type Crash, crashOf } from "./remains.ts";
import { findSource } from "./source.ts";
import { type StartedVm, startVm } from "./start.ts";
import { endVm, type StopOptions, type StopWay } from "./stop.ts";
import { inspectVm, isRunning, type Vm } from "./vms.ts";

/** A VM that was restarted. */
export interface Restarted {
  readonly started: StartedVm;
  /** How it was stopped; undefined when it did not run. */
  readonly way: StopWay | undefined;
  /** How its QEMU had ended before, if that was a crash. */
  readonly crash: Crash | undefined;
}

/** Options of {@linkcode restartVm}. */
export interface RestartOptions extends StopOptions {
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/**
 * Stops a VM and starts it again as it is defined, while nobody else gets at it; one that does not run is only started.
 * One that keeps nothing begins anew from its image. What is missing for the start is told before it is stopped.
 */
export async function restartVm(places: VmPlaces, name: string, options: RestartOptions): Promise<Restarted> {
  const { signal } = options;
  await using _lock = await lockVm(places.runtimeDir, name, "restarting", signal);
  const vm = await inspectVm(places, name);
  const definition = await definitionOf(vm);
  const makeDisk = definition.disk === "snapshot"
    ? await throwAwayDisk(places, definition, options)
    : undefined;
  await requireImage(definition);
  // The start takes away what the QEMU before has left.
  const crash = isRunning(vm) ? undefined : await crashOf(vm);
  const way = await endVm(places, name, options);
  try {
    await makeDisk?.();
    return { started: await startVm(places, definition, signal), way, crash };
  } catch (error) {
    await clearRemainsLocked(places, name);
    throw error;
  }
}

/** As it is kept: what was changed by hand since it was started counts. */
async function definitionOf({ name, folder, record }: Vm): Promise<VmDefinition> {
  const definition = await readDefinition(folder.definition) ?? record?.definition;
  if (definition !== undefined) return definition;
  throw new PimError(`Cannot start ${name} again: ${folder.definition} is missing`, {
    hint: `Stop it with pim stop ${name} and begin anew: pim run … --name ${name} --fresh`,
  });
}

/** Finds what a new disk is made of, and returns what makes it. */
async function throwAwayDisk(
  places: VmPlaces,
  definition: VmDefinition,
  { cwd, signal }: RestartOptions,
): Promise<() => Promise<void>> {
  const { architecture, firmware, image } = definition;
  const host = await probeQemu({ architecture, firmware, cacheDir: places.cacheDir, signal });
  const source = await findSource(places, image.path, {
    qemuImg: host.qemuImg,
    cwd,
    architecture,
    firmware,
    clone: false,
  });
  const vm = { definition, source, firmware: host.firmware, qemuImg: host.qemuImg };
  return () => createThrowAwayDisk(places, vm, { signal });
}
