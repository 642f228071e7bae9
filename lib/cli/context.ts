import type { ApplicationContext } from "@stricli/core";
import { type Config, loadConfig } from "../config/config.ts";
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
  /** Reads the configuration; the second call returns the first one's answer. */
  config(): Promise<Config>;
}

/** Options of {@linkcode createContext}. */
export interface ContextOptions {
  readonly signal: AbortSignal;
  readonly project?: string;
  readonly quiet: boolean;
}

/** The context of this process. */
export function createContext(options: ContextOptions): PimContext {
  const color = Deno.stdout.isTerminal() && !Deno.noColor;
  const stdout = { write: (text: string) => writeAll(Deno.stdout, text), getColorDepth: () => color ? 8 : 1 };
  let config: Promise<Config> | undefined;
  return {
    process: { stdout, stderr: { ...stdout, write: (text: string) => writeAll(Deno.stderr, text) } },
    signal: options.signal,
    env: Deno.env,
    cwd: Deno.cwd(),
    live: Deno.stderr.isTerminal() && Deno.env.get("TERM") !== "dumb",
    quiet: options.quiet,
    print: (text) => stdout.write(`${text}\n`),
    config: () => config ??= loadConfig({ cwd: Deno.cwd(), env: Deno.env, project: options.project }),
  };
}

const encoder = new TextEncoder();

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
  } catch (error) {
    // `pim iso list | head` closes the pipe; what is left to say interests nobody.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
