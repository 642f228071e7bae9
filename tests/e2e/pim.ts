import { join } from "node:path";
import { lineSplitter, readText } from "../../lib/lines.ts";

const mainModule = join(import.meta.dirname ?? ".", "../../main.ts");

/** What a run of pim left behind. */
export interface PimResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A run of pim that goes on. */
export interface PimRun {
  readonly pid: number;
  readonly result: Promise<PimResult>;
  kill(signal: Deno.Signal): void;
}

/** Options of {@linkcode startPim}. */
export interface PimOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of stdout and stderr. */
  readonly onLine?: (line: string) => void;
}

/** Runs pim as a user would, from the sources. */
export function startPim(args: readonly string[], options: PimOptions = {}): PimRun {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", mainModule, ...args],
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const kept = { stdout: "", stderr: "" };
  const read = async (name: "stdout" | "stderr") => {
    const lines = lineSplitter((line) => options.onLine?.(line));
    await readText(child[name], (text) => {
      kept[name] += text;
      lines(text);
    });
  };
  const result = Promise.all([child.status, read("stdout"), read("stderr")])
    .then(([status]) => ({ code: status.code, ...kept }));
  return { pid: child.pid, result, kill: (signal) => child.kill(signal) };
}

/** Runs pim to its end. */
export async function pim(args: readonly string[], options: PimOptions = {}): Promise<PimResult> {
  return await startPim(args, options).result;
}
