import { messageOf } from "../errors.ts";
import { exists, removeIfThere } from "../files.ts";
import { lastLines } from "../lines.ts";
import { log } from "../log.ts";
import { type RuntimeFiles, vmFolders } from "../paths.ts";
import { tryLockVm } from "./locks.ts";
import type { VmDirs } from "./places.ts";
import { inspectVm, isRunning, type Vm } from "./vms.ts";

/** A QEMU that ended without anybody asking it to. */
export interface Crash {
  readonly kind: "crashed";
  /** The file with all that it said; none of a VM that keeps nothing. */
  readonly log?: string;
  /** The last of what it said; "" when it said nothing. */
  readonly said: string;
}

/** A sentence on a crash. */
export function describeCrash(name: string, { log, said }: Crash): string {
  const how = said === ""
    ? " and said nothing"
    : log === undefined
    ? `: ${said}`
    : `; what it said is in ${log}`;
  return `${name}: QEMU ended unexpectedly${how}`;
}

/**
 * What {@linkcode clearRemains} found: nothing, a QEMU that ended in order, one that did not, or one that runs; "busy"
 * when another pim is at work on that VM.
 */
export type Remains = { readonly kind: "none" | "ended" | "running" | "busy" } | Crash;

// More of what a QEMU said than anybody reads, less than a disk minds.
const maxCrashLogBytes = 1024 * 1024;

/** Whether something is there that {@linkcode clearRemains} would clear away, should the VM not run. */
export async function hasRemains({ vmsDir }: VmDirs, { name, files, definition }: Vm): Promise<boolean> {
  const { part, replaced } = vmFolders(vmsDir, name);
  const there = await Promise.all([files.pid, files.json, part, replaced].map(exists));
  return there.includes(true) || definition?.disk === "snapshot";
}

/**
 * Removes what a QEMU that is gone left in the runtime directory, and the folder of a VM that was to keep nothing.
 * Nothing is touched while its QEMU runs.
 */
export async function clearRemains(dirs: VmDirs, name: string): Promise<Remains> {
  await using lock = await tryLockVm(dirs.runtimeDir, name, "clearing up");
  return lock === undefined ? { kind: "busy" } : await clearRemainsLocked(dirs, name);
}

/** {@linkcode clearRemains} for whoever holds the VM's lock. */
export async function clearRemainsLocked(dirs: VmDirs, name: string): Promise<Remains> {
  const vm = await inspectVm(dirs, name);
  if (isRunning(vm)) return { kind: "running" };
  const { files, folder, definition } = vm;
  const crash = await crashOf(vm);
  const ended = await exists(files.json);
  await removeRuntimeFiles(files);
  await removeParts(dirs, name);
  await finishFolder(dirs, name);
  if (definition?.disk === "snapshot") await removeIfThere(folder.dir);
  return crash ?? { kind: ended ? "ended" : "none" };
}

/** Removes everything that belongs to one start of a VM. */
export async function removeRuntimeFiles(files: RuntimeFiles): Promise<void> {
  // The record last: as long as it is there, an interrupted clean-up is taken up again.
  const { qmp, agent, serial, screenshot, log, pid, json } = files;
  for (const file of [qmp, agent, serial, screenshot, log, pid, json]) await removeIfThere(file);
}

/** How the QEMU of a VM that does not run has crashed, if it has; what it said is kept where the VM is. */
export async function crashOf({ name, files, folder, definition }: Vm): Promise<Crash | undefined> {
  // QEMU takes its pid file away when it ends in order.
  if (!(await exists(files.pid))) return undefined;
  const keepsNothing = definition?.disk === "snapshot" || !(await exists(folder.dir));
  let text = "";
  try {
    text = await endOf(files.log);
    // Not moved: the runtime directory is mostly on another file system.
    if (!keepsNothing) await Deno.writeTextFile(folder.crashLog, text, { mode: 0o600 });
  } catch (error) {
    log.debug(`What QEMU of ${name} said is lost: ${messageOf(error)}`);
  }
  const said = lastLines(text, 3);
  return { kind: "crashed", said, ...(!keepsNothing && said !== "" && { log: folder.crashLog }) };
}

async function endOf(path: string): Promise<string> {
  using file = await Deno.open(path);
  const { size } = await file.stat();
  await file.seek(Math.max(0, size - maxCrashLogBytes), Deno.SeekMode.Start);
  return await new Response(file.readable).text();
}

/** Half-written files of a pim that was killed; whoever writes them holds the VM's lock. */
async function removeParts({ runtimeDir }: VmDirs, name: string): Promise<void> {
  for await (const entry of Deno.readDir(runtimeDir)) {
    const { name: file } = entry;
    if (file.startsWith(`.${name}.json.`) && file.endsWith(".part")) {
      await removeIfThere(`${runtimeDir}/${file}`);
    }
  }
}

/** Ends what a pim that was killed had begun with a VM's folder. */
async function finishFolder({ vmsDir }: VmDirs, name: string): Promise<void> {
  const { dir, part, replaced } = vmFolders(vmsDir, name);
  await removeIfThere(part);
  if (!(await exists(replaced))) return;
  if (await exists(dir)) await removeIfThere(replaced);
  else await Deno.rename(replaced, dir);
}
