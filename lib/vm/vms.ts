import { join } from "node:path";
import { messageOf, UsageError } from "../errors.ts";
import { exists, readTextIfThere, removeIfThere } from "../files.ts";
import { log } from "../log.ts";
import { filesOfVm, type RuntimeFiles, runtimeFiles, type VmFiles, vmFolders } from "../paths.ts";
import { findProcess, listProcesses, type Process } from "../process_table.ts";
import { didYouMean } from "../suggest.ts";
import { readDefinition, type VmDefinition } from "./definition.ts";
import { tryLockVm } from "./locks.ts";
import type { VmPlaces } from "./places.ts";
import { readRunRecord, type RunRecord } from "./run_record.ts";

/** A VM: one that runs, or one whose disk is kept. */
export interface Vm {
  readonly name: string;
  /** The id of its QEMU; undefined when it does not run. */
  readonly pid: number | undefined;
  readonly files: RuntimeFiles;
  readonly folder: VmFiles;
  readonly definition: VmDefinition | undefined;
  /** What was started, of a VM that runs or whose QEMU ended without pim. */
  readonly record: RunRecord | undefined;
  /** What is wrong with its files, in words. */
  readonly problem: string | undefined;
}

/** A VM whose QEMU runs. */
export type RunningVm = Vm & { readonly pid: number };

/** The names of all VMs: those that run, those that are kept, and those that left files behind. */
export async function vmNames({ runtimeDir, vmsDir }: VmPlaces): Promise<string[]> {
  const names = new Set<string>();
  for (const name of await entries(runtimeDir)) {
    const [, vm] = /^([A-Za-z0-9].*)\.(?:json|pid)$/.exec(name) ?? [];
    if (vm !== undefined) names.add(vm);
  }
  // `.old-NAME` is a VM whose replacement was not finished.
  for (const name of await entries(vmsDir)) names.add(name.replace(/^\.(?:new|old)-/, ""));
  return [...names].sort();
}

/** All VMs, by name. */
export async function listVms(places: VmPlaces): Promise<Vm[]> {
  return await Promise.all((await vmNames(places)).map((name) => inspectVm(places, name)));
}

/** The VM of this name or of a name that only begins so; throws UsageError listing what is running. */
export async function findVm(places: VmPlaces, text: string): Promise<Vm> {
  const names = await vmNames(places);
  const found = names.includes(text) ? [text] : names.filter((name) => name.startsWith(text));
  const [name] = found;
  if (name !== undefined && found.length === 1 && text !== "") return await inspectVm(places, name);
  if (found.length > 1 && text !== "") {
    throw new UsageError(`${JSON.stringify(text)} may be any of these VMs: ${found.join(", ")}`);
  }
  const running = (await listVms(places)).filter(isRunning).map((vm) => vm.name);
  throw new UsageError(`There is no VM ${JSON.stringify(text)}`, {
    hint: [
      running.length === 0 ? "No VM is running." : `Running: ${running.join(", ")}.`,
      ...(names.length > 0 ? [didYouMean(text, names, "")] : ["Start one with: pim run PROFILE"]),
    ].join(" ").trim(),
  });
}

/** Like {@linkcode findVm}, for what only a running VM can do. */
export async function findRunningVm(places: VmPlaces, text: string): Promise<RunningVm> {
  const vm = await findVm(places, text);
  if (isRunning(vm)) return vm;
  throw new UsageError(`The VM ${vm.name} is not running`, { hint: `Start it with: pim run ${vm.name}` });
}

/** Whether a VM's QEMU runs. */
export function isRunning(vm: Vm): vm is RunningVm {
  return vm.pid !== undefined;
}

/** Everything that is known of the VM with exactly this name, whether there is one or not. */
export async function inspectVm(places: VmPlaces, name: string): Promise<Vm> {
  const files = runtimeFiles(places.runtimeDir, name);
  const folder = filesOfVm(join(places.vmsDir, name));
  const problems: string[] = [];
  const tolerate = (error: unknown) => void problems.push(messageOf(error));
  const record = await readRunRecord(files.json).catch(tolerate);
  const definition = await readDefinition(folder.definition).catch(tolerate);
  const process = await qemuOf(files);
  return {
    name,
    pid: process?.pid,
    files,
    folder,
    definition: definition ?? record?.definition,
    record,
    problem: problems.length === 0 ? undefined : problems.join("; "),
  };
}

/**
 * The QEMU that was started with these files. A process id alone proves nothing: it may belong to another program by
 * now. What the process was started with does: our QEMU was given this very pid file.
 */
export async function qemuOf(files: RuntimeFiles): Promise<Process | undefined> {
  const isOurs = ({ command }: Process) =>
    `${command} `.includes(` -pidfile ${files.pid} `) && !isSudo(command);
  const text = await readTextIfThere(files.pid).catch(() => undefined);
  const pid = Number(text?.trim());
  if (Number.isInteger(pid) && pid > 0) {
    const process = await findProcess(pid);
    return process && isOurs(process) ? process : undefined;
  }
  // Without a pid file there is a QEMU only if someone took that file away, or QEMU has just begun.
  return await exists(files.json) ? (await listProcesses()).find(isOurs) : undefined;
}

function isSudo(command: string): boolean {
  return /^(?:\S*\/)?sudo /.test(command);
}

/** What {@linkcode clearRemains} found. */
export type Remains = "none" | "ended" | "crashed" | "busy";

/**
 * Removes what a QEMU that is gone left in the runtime directory, and the folder of a VM that was to keep nothing.
 * Says whether it ended in order ("ended") or not ("crashed"); "busy" when another pim is at work on that VM.
 */
export async function clearRemains(places: VmPlaces, name: string): Promise<Remains> {
  await using lock = await tryLockVm(places.runtimeDir, name);
  return lock === undefined ? "busy" : await clearRemainsLocked(places, name);
}

/** {@linkcode clearRemains} for whoever holds the VM's lock; nothing is touched while its QEMU runs. */
export async function clearRemainsLocked(places: VmPlaces, name: string): Promise<Remains> {
  const vm = await inspectVm(places, name);
  if (isRunning(vm)) return "none";
  const { files, folder } = vm;
  // QEMU takes its pid file away when it ends in order.
  const crashed = await exists(files.pid);
  const ended = crashed || await exists(files.json);
  if (crashed && await exists(folder.dir)) {
    await Deno.rename(files.log, folder.crashLog).catch((error) => log.debug(messageOf(error)));
  }
  // The record last: as long as it is there, an interrupted clean-up is taken up again.
  await removeRuntimeFiles(files);
  await finishFolder(places, name);
  if (vm.definition?.disk === "snapshot") await removeIfThere(folder.dir);
  return crashed ? "crashed" : ended ? "ended" : "none";
}

/** Removes everything that belongs to one start of a VM. */
export async function removeRuntimeFiles(files: RuntimeFiles): Promise<void> {
  for (const file of [files.qmp, files.agent, files.serial, files.log, files.pid, files.json]) {
    await removeIfThere(file);
  }
}

/** Ends what a pim that was killed had begun with a VM's folder. */
async function finishFolder({ vmsDir }: VmPlaces, name: string): Promise<void> {
  const { dir, part, replaced } = vmFolders(vmsDir, name);
  await removeIfThere(part);
  if (!(await exists(replaced))) return;
  if (await exists(dir)) await removeIfThere(replaced);
  else await Deno.rename(replaced, dir);
}

async function entries(folder: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) names.push(name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}
