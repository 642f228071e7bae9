import { CancelledError, PimError, UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { userPaths } from "../../paths.ts";
import { type VmDirs, vmDirs, vmPlaces } from "../../vm/places.ts";
import { describeCrash } from "../../vm/remains.ts";
import { removeVm } from "../../vm/remove.ts";
import { type StopOptions, type Stopped, stopVm, type StopWay } from "../../vm/stop.ts";
import { findVm, findVmByWholeName, isRunning, listVms } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { StopFlags } from "./control.ts";

/** `pim stop VM…|--all` */
export async function stop(
  this: PimContext,
  flags: StopFlags & { readonly all: boolean },
  ...names: string[]
): Promise<void> {
  const dirs = await vmDirs(userPaths(this.env));
  if (flags.all === names.length > 0) throw await neitherNorBoth(dirs, flags.all);
  const chosen = flags.all
    ? (await listVms(dirs)).filter(isRunning).map((vm) => vm.name)
    : await findNames(dirs, names, findVm);
  if (chosen.length === 0) return this.print("No VM is running.");
  await each(chosen, "stopped", async (name) => {
    const stopped = await stopVm(dirs, name, stopOptions(this, flags, name));
    this.print(stoppedText(stopped));
    if (stopped.remains.kind === "crashed") log.warn(describeCrash(name, stopped.remains));
  });
}

async function neitherNorBoth(dirs: VmDirs, all: boolean): Promise<UsageError> {
  if (all) return new UsageError("--all leaves no VM to name");
  const running = (await listVms(dirs)).filter(isRunning).map((vm) => vm.name);
  return new UsageError("Which VM should be stopped?", {
    hint: running.length === 0
      ? "No VM is running."
      : `Running: ${running.join(", ")}. Name some of them, or say --all`,
  });
}

/** `pim restart VM` */
export async function restart(this: PimContext, flags: StopFlags, text: string): Promise<void> {
  const { restartVm } = await import("../../vm/restart.ts");
  const places = await vmPlaces(await this.config());
  const { name } = await findVm(places, text);
  const { started, way, crash } = await restartVm(places, name, {
    ...stopOptions(this, flags, name),
    cwd: this.cwd,
    signal: this.signal,
  });
  const before = way === undefined
    ? "was not running and is now"
    : `was stopped by ${byWhat[way]} and is running`;
  this.print(`${started.vm.name} ${before}; log in with: pim ssh ${name}`);
  if (crash !== undefined) log.warn(describeCrash(name, crash));
}

/** `pim rm VM…` */
export async function rm(
  this: PimContext,
  flags: { readonly force: boolean },
  ...names: string[]
): Promise<void> {
  const dirs = await vmDirs(userPaths(this.env));
  await each(await findNames(dirs, names, findVmByWholeName), "removed", async (name) => {
    await removeVm(dirs, name, { force: flags.force, signal: this.signal });
    this.print(`${name} is removed`);
  });
}

/** All names are looked up before anything is done to any of them. */
async function findNames(dirs: VmDirs, texts: readonly string[], find: typeof findVm): Promise<string[]> {
  const found = await Promise.all(texts.map((text) => find(dirs, text)));
  return [...new Set(found.map((vm) => vm.name))];
}

function stopOptions({ signal }: PimContext, flags: StopFlags, name: string): StopOptions {
  return {
    timeoutMs: flags.timeout * 1000,
    force: flags.force,
    signal,
    onProgress: (text) => log.info(`${name}: ${text}`),
  };
}

const byWhat: Readonly<Record<StopWay, string>> = {
  "guest agent": "its guest agent",
  "power button": "the power button",
  "guest": "its guest",
  "quit": "QEMU's quit",
  "SIGTERM": "SIGTERM",
  "SIGKILL": "SIGKILL",
};

function stoppedText({ name, way, elapsedMs }: Stopped): string {
  if (way !== undefined) return `${name} was stopped by ${byWhat[way]} in ${(elapsedMs / 1000).toFixed(1)} s`;
  return `${name} is not running`;
}

/** Does something with several VMs at the same time. What fails is told; it ends in an error after all were tried. */
async function each(
  names: readonly string[],
  done: string,
  work: (name: string) => Promise<void>,
): Promise<void> {
  const [only] = names;
  if (only !== undefined && names.length === 1) return await work(only);
  let failed = 0;
  await Promise.all(names.map(async (name) => {
    try {
      await work(name);
    } catch (error) {
      failed++;
      if (!(error instanceof PimError)) throw error;
      if (error instanceof CancelledError) throw error;
      log.warn(`${name}: ${error.message}${error.hint === undefined ? "" : `\nhint: ${error.hint}`}`);
    }
  }));
  if (failed > 0) throw new PimError(`${failed} of ${names.length} VMs could not be ${done}`);
}
