import { readTextIfThere } from "./files.ts";
import { run } from "./process.ts";

/** A process of this host and the words it was started with, joined by spaces. */
export interface Process {
  readonly pid: number;
  readonly command: string;
}

/** The process with this id, whoever owns it; undefined when there is none or it is dead and only not reaped yet. */
export async function findProcess(pid: number): Promise<Process | undefined> {
  if (Deno.build.os === "linux") return await fromProc(pid);
  // ps exits with 1 when there is no such process.
  const { stdout } = await run(["ps", "-ww", "-o", "pid=,stat=,command=", "-p", String(pid)], {
    okStatus: [0, 1],
  });
  return parseProcesses(stdout)[0];
}

/** All processes of this host. */
export async function listProcesses(): Promise<Process[]> {
  if (Deno.build.os !== "linux") {
    return parseProcesses((await run(["ps", "-axww", "-o", "pid=,stat=,command="])).stdout);
  }
  const found: Promise<Process | undefined>[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (/^\d+$/.test(name)) found.push(fromProc(Number(name)));
  }
  return (await Promise.all(found)).filter((each) => each !== undefined);
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

async function fromProc(pid: number): Promise<Process | undefined> {
  // Empty for a zombie and for the kernel's own threads. Gone between listing and reading is ESRCH, no missing file.
  const words = await readTextIfThere(`/proc/${pid}/cmdline`).catch(() => undefined);
  return words ? { pid, command: words.replace(/\0$/, "").replaceAll("\0", " ") } : undefined;
}
