import { delimiter, join } from "node:path";
import { isCancelled } from "./ctrl_c.ts";
import { CancelledError, exitCode, HostError, messageOf, PimError } from "./errors.ts";
import { lastLines, lineSplitter, readText } from "./lines.ts";
import { log, redact } from "./log.ts";

/** Options common to every program that pim starts. */
export interface ProcessOptions {
  /** Variables beside the few that are passed on from pim's own environment. */
  env?: Record<string, string>;
  /** The program sees the user's whole environment, as if it was typed in the shell: `ssh` needs its agent. */
  wholeEnv?: boolean;
  cwd?: string;
  /** Sends SIGTERM when aborted. */
  signal?: AbortSignal;
}

/** Options of {@linkcode run}. */
export interface RunOptions extends ProcessOptions {
  /** Written to the program's standard input; without it the input is empty. */
  stdin?: string | Uint8Array;
  /** Exit statuses that are no error; [0] unless given. */
  okStatus?: readonly number[];
}

/** What a finished program left behind. */
export interface RunResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that failed: its argv, exit status and the end of its stderr. */
export class ProcessError extends PimError {
  override readonly name = "ProcessError";

  constructor(
    readonly argv: readonly string[],
    readonly status: number | string,
    readonly stderr: string,
  ) {
    const said = redact(lastLines(stderr, 10));
    super(
      `${argv[0]} ${typeof status === "number" ? `exited with ${status}` : `was ended by ${status}`}` +
        (said === "" ? " and said nothing" : `: ${said}`),
      { hint: `It was started as: ${formatArgv(argv)}` },
    );
  }
}

/** Runs a program to its end and returns what it wrote; throws {@linkcode ProcessError} when it fails. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const child = spawn(argv, options, {
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  });
  const [output] = await Promise.all([child.output(), feed(child, options.stdin)]);
  const failed = output.signal !== null || !(options.okStatus ?? [0]).includes(output.code);
  const result = {
    code: output.code,
    stdout: decode(output.stdout),
    stderr: decode(output.stderr),
  };
  if (await wasStopped(failed, output, result.stderr, options.signal)) throw new CancelledError();
  if (failed) throw new ProcessError(argv, output.signal ?? output.code, result.stderr);
  return result;
}

/** Options of {@linkcode pipe}. */
export interface PipeOptions extends ProcessOptions {
  /** Written to the program's standard input piece by piece; without it the input is empty. */
  stdin?: AsyncIterable<Uint8Array>;
  /** Called with the bytes of its stdout as they come; without it stdout is discarded. */
  onStdout?: (bytes: Uint8Array) => void;
}

/** Runs a program to its end with bytes flowing through it, however many; throws {@linkcode ProcessError} when it fails. */
export async function pipe(argv: readonly string[], options: PipeOptions): Promise<void> {
  const { stdin, onStdout, signal } = options;
  const child = spawn(argv, options, {
    stdin: stdin === undefined ? "null" : "piped",
    stdout: onStdout === undefined ? "null" : "piped",
    stderr: "piped",
  });
  let stderr = "";
  const work = [readText(child.stderr, (text) => stderr = (stderr + text).slice(-16_384))];
  if (stdin !== undefined) work.push(feedPieces(child, stdin));
  if (onStdout !== undefined) work.push(readBytes(child.stdout, onStdout));
  try {
    await Promise.all(work);
  } catch (error) {
    // What was to go through it could not be read: half of that must not pass for a whole.
    kill(child, "SIGKILL");
    await child.status;
    throw signal?.aborted ? new CancelledError() : error;
  }
  const status = await child.status;
  if (await wasStopped(!status.success, status, stderr, signal)) throw new CancelledError();
  if (!status.success) throw new ProcessError(argv, status.signal ?? status.code, stderr);
}

/**
 * Whether a program was ended because pim was told to stop. One that says why it failed was not: what is tried in order
 * to see whether it works must not wait.
 */
async function wasStopped(
  failed: boolean,
  { signal: killedBy }: Pick<Deno.CommandStatus, "signal">,
  said: string,
  signal?: AbortSignal,
): Promise<boolean> {
  if (signal === undefined) return false;
  const unexplained = failed && (killedBy !== null || said.trim() === "");
  return unexplained ? await isCancelled(signal) : signal.aborted;
}

async function feedPieces(child: Deno.ChildProcess, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const writer = child.stdin.getWriter();
  for await (const piece of pieces) {
    try {
      await writer.write(piece);
    } catch {
      return; // It wants no more; its exit status tells why.
    }
  }
  await writer.close().catch(() => {});
}

async function readBytes(
  stream: ReadableStream<Uint8Array>,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  for await (const bytes of stream) onBytes(bytes);
}

/** A program that goes on running beside pim. */
export interface Running {
  readonly argv: readonly string[];
  readonly pid: number;
  /** The end of what it has written to stderr so far. */
  stderr(): string;
  /** Settles when the program has ended, whatever its status; never rejects. */
  readonly ended: Promise<{ readonly code: number; readonly signal: string | null }>;
  kill(signal?: Deno.Signal): void;
}

/** Options of {@linkcode start}. */
export interface StartOptions extends ProcessOptions {
  /** Called with each line of stdout; without it stdout is discarded. */
  onStdout?: (line: string) => void;
  /** Called with each piece of stdout as it comes, in place of `onStdout`: for programs that redraw one line. */
  onStdoutText?: (text: string) => void;
  /** Written to the program's standard input; without it the input is empty. */
  stdin?: string;
}

/** Starts a program and returns at once. Its stderr is kept, so that its death can be explained. */
export function start(argv: readonly string[], options: StartOptions = {}): Running {
  const lines = options.onStdout && lineSplitter(options.onStdout);
  const onText = options.onStdoutText ?? lines;
  const child = spawn(argv, options, {
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: onText ? "piped" : "null",
    stderr: "piped",
  });
  let kept = "";
  const readers = [readText(child.stderr, (text) => kept = (kept + text).slice(-16_384))];
  if (onText) readers.push(readText(child.stdout, onText).then(() => lines?.end()));
  readers.push(feed(child, options.stdin));
  const ended = child.status.then(async (status) => {
    await Promise.allSettled(readers);
    return { code: status.code, signal: status.signal };
  });
  return {
    argv,
    pid: child.pid,
    stderr: () => kept,
    ended,
    kill: (signal = "SIGTERM") => kill(child, signal),
  };
}

function kill(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch {
    // It has ended already, which is what was asked for.
  }
}

/** Options of {@linkcode startDetached}. */
export interface DetachedOptions {
  /** Gets what the program writes to stdout and stderr, at its end; made with mode 0600. */
  readonly log: string;
  readonly env?: Record<string, string>;
  /** Stays in the terminal's session: sudo knows only there that it was given a password. */
  readonly inTerminalSession?: boolean;
}

/** Starts a program that lives on when pim and its terminal are gone. */
export async function startDetached(
  argv: readonly string[],
  options: DetachedOptions,
): Promise<Pick<Running, "argv" | "pid" | "ended">> {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("argv is empty");
  log.debug(`+ ${formatArgv(argv)}`);
  // Deno.Command has no way to hand a file to a program as its output. Loaded only here: they cost 17 ms.
  const { spawn: spawnInSession } = await import("node:child_process");
  const { closeSync, openSync } = await import("node:fs");
  const output = openSync(options.log, "a", 0o600);
  try {
    const child = spawnInSession(program, args, {
      stdio: ["ignore", output, output],
      env: environment(options.env),
      detached: !options.inTerminalSession,
    });
    const { promise: ended, resolve } = Promise.withResolvers<{ code: number; signal: string | null }>();
    child.once("exit", (code, signal) => resolve({ code: code ?? 128, signal }));
    child.once("error", () => {}); // No pid tells it already.
    if (child.pid === undefined) throw notInstalled(program);
    return { argv, pid: child.pid, ended };
  } finally {
    closeSync(output);
  }
}

/**
 * Runs a program on pim's own terminal (for `ssh`, editors) and returns its exit status. Ctrl-C reaches it from the
 * terminal itself; the signal is for what only pim is told.
 */
export async function runInteractive(
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<number> {
  const child = spawn(argv, options, { stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  return (await child.status).code;
}

/** The absolute path of a program on PATH, or undefined. */
export async function which(program: string): Promise<string | undefined> {
  for (const folder of (Deno.env.get("PATH") ?? "").split(delimiter)) {
    if (folder === "") continue;
    const path = join(folder, program);
    try {
      const info = await Deno.stat(path);
      if (info.isFile && ((info.mode ?? 0o111) & 0o111) !== 0) return path;
    } catch {
      // Not there: the next folder of PATH.
    }
  }
  return undefined;
}

/** Argv as a person could paste it into a shell, secrets hidden. For messages only: pim never hands it to one. */
export function formatArgv(argv: readonly string[]): string {
  // Hidden word by word: quoting would change what a secret looks like.
  return argv.map(redact)
    .map((word) => /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
    .join(" ");
}

// Programs see these and what the caller adds, so that a build does not depend on the rest of the user's environment.
const passedOn = [
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "TMPDIR",
  "XDG_RUNTIME_DIR",
  "TERM",
  "DISPLAY",
  "WAYLAND_DISPLAY",
];

function environment(extra: Record<string, string> = {}): Record<string, string> {
  const env: Record<string, string> = { LC_ALL: "C.UTF-8" };
  for (const name of passedOn) {
    const value = Deno.env.get(name);
    if (value !== undefined) env[name] = value;
  }
  return { ...env, ...extra };
}

type Stdio = Pick<Deno.CommandOptions, "stdin" | "stdout" | "stderr">;

function spawn(argv: readonly string[], options: ProcessOptions, stdio: Stdio): Deno.ChildProcess {
  const [program, ...args] = argv;
  if (program === undefined) throw new TypeError("argv is empty");
  if (options.signal?.aborted) throw new CancelledError();
  log.debug(`+ ${formatArgv(argv)}`);
  try {
    return new Deno.Command(program, {
      args,
      cwd: options.cwd,
      clearEnv: options.wholeEnv !== true,
      env: options.wholeEnv ? options.env : environment(options.env),
      signal: options.signal,
      ...stdio,
    }).spawn();
  } catch (cause) {
    // The runtime says the same of a working directory that is not there.
    if (cause instanceof Deno.errors.NotFound && !cause.message.includes("cwd")) {
      throw notInstalled(program, cause);
    }
    throw new PimError(`Cannot start ${program}: ${messageOf(cause)}`, {
      cause,
      exitCode: exitCode.host,
    });
  }
}

function notInstalled(program: string, cause?: unknown): HostError {
  return new HostError(`${program} is not installed or not on PATH`, {
    cause,
    hint: "See what this host lacks: pim doctor",
  });
}

async function feed(child: Deno.ChildProcess, input: string | Uint8Array | undefined): Promise<void> {
  if (input === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // The program closed its input early; its exit status tells whether that was a mistake.
  }
}

const decoder = new TextDecoder();

function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}
