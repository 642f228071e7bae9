import { join } from "node:path";
import { messageOf } from "../../lib/errors.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { demoCacheFolder } from "../demo/cache.ts";

/** What the machine is: numbers mean little without it. */
export interface MachineFacts {
  readonly cores: number;
  readonly memoryGiB: number;
  /** Processes that wanted to run in the last minute, on average. */
  readonly load: number;
  readonly system: string;
  readonly deno: string;
  readonly qemu: string;
  readonly accelerator: string;
}

/** The folder where the benchmark remembers which accelerator works and keeps its builds while they run. */
export function benchFolder(): string {
  return join(demoCacheFolder(Deno.env.toObject()), "bench");
}

/** Finds out about this machine; the accelerator is really tried. */
export async function machineFacts(): Promise<MachineFacts> {
  return {
    cores: navigator.hardwareConcurrency,
    memoryGiB: Deno.systemMemoryInfo().total / 1024 ** 3,
    load: Deno.loadavg()[0] ?? 0,
    system: `${Deno.build.os} ${Deno.osRelease()} ${Deno.build.arch}`,
    deno: Deno.version.deno,
    ...await qemuFacts(),
  };
}

async function qemuFacts(): Promise<{ readonly qemu: string; readonly accelerator: string }> {
  try {
    const { version, accelerator: { name, reason } } = await probeQemu({
      architecture: "amd64",
      cacheDir: join(benchFolder(), "cache"),
    });
    return { qemu: version.text, accelerator: reason === undefined ? name : `${name} (${reason})` };
  } catch (error) {
    return { qemu: messageOf(error), accelerator: "none" };
  }
}

/** The facts in plain text. */
export function formatFacts(facts: MachineFacts): string {
  const lines = [
    `machine: ${facts.system}, ${facts.cores} cores, ${facts.memoryGiB.toFixed(0)} GiB, load ${
      facts.load.toFixed(1)
    }`,
    `Deno ${facts.deno}, QEMU ${facts.qemu}, accelerator ${facts.accelerator}`,
  ];
  if (facts.load > facts.cores / 2) {
    lines.push("The machine has other work to do, which disturbs these numbers, the short ones most.");
  }
  return lines.join("\n");
}
