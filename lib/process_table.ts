import { run } from "./process.ts";

/** A process of this host. */
export interface Process {
  readonly pid: number;
  /** The words that it was started with, joined by spaces. */
  readonly command: string;
  /** The words themselves, where the system tells them (Linux). */
  readonly words?: readonly string[];
}

/** The process with this id, whoever owns it; undefined when there is none or it is dead and only not reaped yet. */
export async function findProcess(pid: number): Promise<Process | undefined> {
  if (Deno.build.os === "linux") return fromProc(pid);
  // ps exits with 1 when there is no such process.
  const { stdout } = await run(["ps", "-ww", "-o", "pid=,stat=,command=", "-p", String(pid)], {
    okStatus: [0, 1],
  });
  return parseProcesses(stdout)[0];
}

/**
 * Whether a process that {@linkcode findProcess} takes for dead still ends: its other threads hold its files and locks
 * a little longer (Linux; elsewhere a process ends as a whole).
 */
export function isStillEnding(pid: number): boolean {
  try {
    return Deno.build.os === "linux" && [...Deno.readDirSync(`/proc/${pid}/task`)].length > 1;
  } catch {
    return false;
  }
}

/** All processes of this host. */
export async function listProcesses(): Promise<Process[]> {
  if (Deno.build.os !== "linux") {
    return parseProcesses((await run(["ps", "-axww", "-o", "pid=,stat=,command="])).stdout);
  }
  // What /proc tells waits for no disk, and hundreds of small reads are quicker without a thread for each.
  return Array.from(
    Deno.readDirSync("/proc"),
    ({ name }) => /^\d+$/.test(name) ? fromProc(Number(name)) : undefined,
  )
    .filter((each) => each !== undefined);
}

/** Reads `ps -o pid=,stat=,command=`; zombies are left out. */
export function parseProcesses(text: string): Process[] {
  return text.split("\n").flatMap((line) => {
    const [, pid, stat, command = ""] = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return pid === undefined || stat?.startsWith("Z")
      ? []
      : [{ pid: Number(pid), command: command.trimEnd() }];
  });
}

function fromProc(pid: number): Process | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/${pid}/cmdline`);
  } catch {
    return undefined; // Gone between listing and reading is ESRCH, no missing file.
  }
  // Empty for a zombie and for the kernel's own threads.
  if (text === "") return undefined;
  const words = text.replace(/\0$/, "").split("\0");
  return { pid, command: words.join(" "), words };
}
