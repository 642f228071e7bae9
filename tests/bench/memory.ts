/** Watches the memory of a process and of those it starts. */
export interface MemoryWatch extends Disposable {
  /** The highest sum so far in MiB; undefined on systems without /proc. */
  peakMiB(): number | undefined;
}

const intervalMs = 100;

/**
 * Watches how much memory a process and its descendants have held at most, until disposed of; those whose name begins
 * with "qemu" (the machine, qemu-img) are left out. Each process counts with its own peak (VmHWM of proc(5)) for as
 * long as it lives, so that nothing between two looks is missed. Linux only.
 */
export function watchMemory(pid: number): MemoryWatch {
  let peakKiB: number | undefined;
  const look = () => {
    const sum = treeKiB(pid);
    if (sum > 0) peakKiB = Math.max(peakKiB ?? 0, sum);
  };
  const timer = setInterval(look, intervalMs);
  look();
  return {
    peakMiB: () => peakKiB === undefined ? undefined : peakKiB / 1024,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function treeKiB(pid: number): number {
  const status = readOrEmpty(`/proc/${pid}/status`);
  if (/^Name:\s+qemu/m.test(status)) return 0;
  const own = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  return childrenOf(pid).reduce((sum, child) => sum + treeKiB(child), own);
}

function childrenOf(pid: number): number[] {
  try {
    // Any thread can start a process, and the kernel lists it with that thread.
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
      readOrEmpty(`/proc/${pid}/task/${name}/children`).split(" ").filter((word) => word !== "").map(Number)
    );
  } catch {
    return [];
  }
}

/** Processes and threads come and go while they are looked at. */
function readOrEmpty(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}
