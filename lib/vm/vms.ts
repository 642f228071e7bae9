import { join } from "node:path";
import { messageOf, UsageError } from "../errors.ts";
import { filesOfVm, isName, type RuntimeFiles, runtimeFiles, type VmFiles } from "../paths.ts";
import { listProcesses, type Process } from "../process_table.ts";
import { didYouMean } from "../suggest.ts";
import { readDefinition, type VmDefinition } from "./definition.ts";
import { qemuOf, qemusByName } from "./our_qemu.ts";
import type { VmDirs } from "./places.ts";
import { readRunRecord, type RunRecord } from "./run_record.ts";

/** A VM: one that runs, or one whose disk is kept. */
export interface Vm {
  readonly name: string;
  /** The id of its QEMU; undefined when it does not run. */
  readonly pid: number | undefined;
  readonly files: RuntimeFiles;
  readonly folder: VmFiles;
  /** What it is: of one that runs as it was started, else as it is kept. */
  readonly definition: VmDefinition | undefined;
  /** What was started, of a VM that runs or whose QEMU ended without pim. */
  readonly record: RunRecord | undefined;
  /** What is wrong with its files, in words. */
  readonly problem: string | undefined;
}

/** A VM whose QEMU runs. */
export type RunningVm = Vm & { readonly pid: number };

/** The names under which there are files: of VMs that run, that are kept, and that left something behind. */
export async function vmNames({ runtimeDir, vmsDir }: VmDirs): Promise<string[]> {
  const names: string[] = [];
  for (const { name } of await entries(runtimeDir)) {
    const [, vm] = /^(.+)\.(?:json|pid)$/.exec(name) ?? [];
    if (vm !== undefined) names.push(vm);
  }
  for (const entry of await entries(vmsDir)) {
    // `.new-NAME` is one that is being made, `.old-NAME` one whose replacement was not finished.
    if (!entry.isFile) names.push(entry.name.replace(/^\.(?:new|old)-/, ""));
  }
  return [...new Set(names)].filter(isName).sort();
}

/** All VMs, by name. */
export async function listVms(dirs: VmDirs): Promise<Vm[]> {
  // One look at the process table for all: it also tells of VMs whose runtime files somebody has taken away.
  const running = qemusByName(await listProcesses(), dirs.runtimeDir);
  const names = new Set([...await vmNames(dirs), ...running.keys()]);
  return await Promise.all([...names].sort().map((name) => inspect(dirs, name, running.get(name))));
}

/** The VM of this name or of a name that only begins so; throws UsageError listing what is running. */
export async function findVm(dirs: VmDirs, text: string): Promise<Vm> {
  const known = await vmNames(dirs);
  const name = oneOf(known, text);
  if (name !== undefined) return await inspectVm(dirs, name);
  const all = await listVms(dirs);
  const names = all.map((vm) => vm.name);
  const found = all.find((vm) => vm.name === oneOf(names, text));
  if (found !== undefined) return found;
  const running = all.filter(isRunning).map((vm) => vm.name);
  throw new UsageError(`There is no VM ${JSON.stringify(text)}`, {
    hint: [
      running.length === 0 ? "No VM is running." : `Running: ${running.join(", ")}.`,
      ...(names.length > 0 ? [didYouMean(text, names, "")] : ["Start one with: pim run PROFILE"]),
    ].join(" ").trim(),
  });
}

/** Like {@linkcode findVm}, for what cannot be undone: how a name begins is not enough. */
export async function findVmByWholeName(dirs: VmDirs, text: string): Promise<Vm> {
  const vm = await findVm(dirs, text);
  if (vm.name === text) return vm;
  throw new UsageError(`There is no VM ${JSON.stringify(text)}`, {
    hint: `Did you mean ${vm.name}? What is removed has to be named in full.`,
  });
}

/** The name that a text stands for; throws UsageError when it may be several. */
function oneOf(names: readonly string[], text: string): string | undefined {
  if (text === "" || names.includes(text)) return text || undefined;
  const longer = names.filter((name) => name.startsWith(text));
  if (longer.length <= 1) return longer[0];
  throw new UsageError(`${JSON.stringify(text)} may be any of these VMs: ${longer.join(", ")}`, {
    hint: "Type more of the name.",
  });
}

/** Like {@linkcode findVm}, for what only a running VM can do. */
export async function findRunningVm(dirs: VmDirs, text: string): Promise<RunningVm> {
  const vm = await findVm(dirs, text);
  if (isRunning(vm)) return vm;
  throw new UsageError(`The VM ${vm.name} is not running`, { hint: `Start it with: pim run ${vm.name}` });
}

/** Whether a VM's QEMU runs. */
export function isRunning(vm: Vm): vm is RunningVm {
  return vm.pid !== undefined;
}

/** Everything that is known of the VM with exactly this name, whether there is one or not. */
export async function inspectVm(dirs: VmDirs, name: string): Promise<Vm> {
  return await inspect(dirs, name, await qemuOf(runtimeFiles(dirs.runtimeDir, name)));
}

async function inspect(dirs: VmDirs, name: string, process: Process | undefined): Promise<Vm> {
  const files = runtimeFiles(dirs.runtimeDir, name);
  const folder = filesOfVm(join(dirs.vmsDir, name));
  const problems: string[] = [];
  const tolerate = (error: unknown) => void problems.push(messageOf(error));
  const [record, kept] = await Promise.all([
    readRunRecord(files.json).catch(tolerate),
    readDefinition(folder.definition).catch(tolerate),
  ]);
  return {
    name,
    pid: process?.pid,
    files,
    folder,
    definition: process === undefined ? kept ?? record?.definition : record?.definition ?? kept,
    record,
    problem: problems.length === 0 ? undefined : problems.join("; "),
  };
}

async function entries(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
