import type { ApplicationContext } from "@stricli/core";
import type { Config } from "../config/config.ts";
import { writeBytes, writeText } from "../output.ts";
import type { Environment } from "../paths.ts";

/** What every command gets as `this`: the only way from commands to the outside. */
export interface PimContext extends ApplicationContext {
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly env: Environment;
  readonly cwd: string;
  /** Whether stderr is a terminal that may be redrawn (progress bars, live lines). */
  readonly live: boolean;
  readonly quiet: boolean;
  /** Writes a line, or several, to stdout. */
  print(text: string): void;
  /** Writes bytes as they are. */
  writeBytes(to: "stdout" | "stderr", bytes: Uint8Array): Promise<void>;
  readonly stdin: Pick<typeof Deno.stdin, "isTerminal" | "readable" | "setRaw">;
  readonly stdout: Pick<typeof Deno.stdout, "isTerminal" | "write">;
  /** Reads the configuration; the second call returns the first one's answer. */
  config(): Promise<Config>;
  /** What is known while a shell completes a line; undefined when a command runs. */
  readonly completing?: Completing;
}

/** What parameters know and say when they propose what to type next. */
export interface Completing {
  /** The command's arguments before the one that is being typed, without flags. */
  readonly before: readonly string[];
  /** Has the shell propose its paths, too. */
  proposePaths(kind: "files" | "folders"): void;
}

/** Options of {@linkcode createContext}. */
export interface ContextOptions {
  readonly signal: AbortSignal;
  readonly project?: string;
  readonly quiet: boolean;
}

/** The context of this process. */
export function createContext(options: ContextOptions): PimContext {
  const stdout = output(Deno.stdout);
  let config: Promise<Config> | undefined;
  return {
    process: { stdout, stderr: output(Deno.stderr) },
    signal: options.signal,
    env: Deno.env,
    cwd: Deno.cwd(),
    live: Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb",
    quiet: options.quiet,
    print: (text) => stdout.write(`${text}\n`),
    writeBytes: (to, bytes) => writeBytes(Deno[to], bytes),
    stdin: Deno.stdin,
    stdout: Deno.stdout,
    config: () => config ??= readConfig(options.project),
  };
}

/** Loads what reads configuration only now: `--version` and `--help` do without, which halves their start-up. */
async function readConfig(project: string | undefined): Promise<Config> {
  const { loadConfig } = await import("../config/config.ts");
  return await loadConfig({ cwd: Deno.cwd(), env: Deno.env, project });
}

/** An output as stricli wants it: colours on a terminal only. */
function output(
  stream: typeof Deno.stdout | typeof Deno.stderr,
): { write(text: string): void; getColorDepth(): number } {
  const color = stream.isTerminal() && !Deno.noColor;
  return { write: (text) => writeText(stream, text), getColorDepth: () => color ? 8 : 1 };
}
