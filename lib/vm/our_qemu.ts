import { basename } from "node:path";
import { readTextIfThere } from "../files.ts";
import { isName, type RuntimeFiles } from "../paths.ts";
import { findProcess, listProcesses, type Process } from "../process_table.ts";

/**
 * The QEMU that was started with these files. A process id alone proves nothing: it may belong to another program by
 * now. What the process was started with does: our QEMU was given this very pid file.
 */
export async function qemuOf(files: RuntimeFiles): Promise<Process | undefined> {
  const text = await readTextIfThere(files.pid).catch(() => undefined); // Root's own is for root alone.
  const pid = Number(text?.trim() || NaN);
  const named = Number.isSafeInteger(pid) && pid > 1 ? await findProcess(pid) : undefined;
  if (named !== undefined && isQemuOf(named, files)) return named;
  // The pid file may be wrong, not there yet, or taken away by who tidies up /tmp: the process table is not.
  return (await listProcesses()).find((process) => isQemuOf(process, files));
}

/** Whether a process is the QEMU that was started with these files. */
export function isQemuOf(process: Process, files: RuntimeFiles): boolean {
  return isQemu(process) && wasGiven(process, files.pid);
}

/** The QEMUs among these processes that belong to VMs of a runtime directory, by the VMs' names. */
export function qemusByName(processes: readonly Process[], runtimeDir: string): Map<string, Process> {
  const found = new Map<string, Process>();
  for (const process of processes.filter(isQemu)) {
    for (const [, path = ""] of `${process.command} `.matchAll(/ -pidfile (.+?)\.pid(?= )/g)) {
      const name = path.startsWith(`${runtimeDir}/`) ? path.slice(runtimeDir.length + 1) : "";
      if (isName(name) && wasGiven(process, `${path}.pid`)) found.set(name, process);
    }
  }
  return found;
}

/** Not the sudo that started it, nor a shell or an editor that has QEMU's arguments among its own. */
function isQemu({ command, words }: Process): boolean {
  return basename(words?.[0] ?? command.split(" ", 1)[0] ?? "").includes("qemu");
}

function wasGiven({ command, words }: Process, pidFile: string): boolean {
  return words === undefined
    ? `${command} `.includes(` -pidfile ${pidFile} `)
    : words.some((word, index) => word === "-pidfile" && words[index + 1] === pidFile);
}
