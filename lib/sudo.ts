import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, HostError, messageOf, PimError } from "./errors.ts";
import { log } from "./log.ts";
import { ProcessError, run, runInteractive } from "./process.ts";

/** Options of what may need sudo. */
export interface SudoOptions {
  /** Whether sudo may ask for the password on the terminal; default true. */
  readonly ask?: boolean;
  readonly signal?: AbortSignal;
}

/** The argv that runs a program as root without a question: see {@linkcode askForSudo}. */
export function sudoArgv(argv: readonly string[]): string[] {
  return ["sudo", "-n", "--", ...argv];
}

/**
 * Gives a function that turns argv into one that runs as root: as it is when pim is root, else through sudo, which may
 * ask for its password now (see {@linkcode askForSudo}).
 */
export async function becomeRoot(
  why: string,
  signal?: AbortSignal,
): Promise<(argv: readonly string[]) => readonly string[]> {
  if (Deno.uid() === 0) return (argv) => argv;
  await askForSudo(why, signal);
  return sudoArgv;
}

let asking: Promise<void> | undefined;

/**
 * Makes sure that sudo asks nothing for the next minutes: where it needs a password it asks now, on the terminal, after
 * `why` was said (a sentence without its full stop). Throws a HostError when sudo refuses or there is no terminal.
 */
export async function askForSudo(why: string, signal?: AbortSignal): Promise<void> {
  // One question at a time: who comes meanwhile is served by its answer.
  asking ??= askNow(why, signal).finally(() => asking = undefined);
  await asking;
}

async function askNow(why: string, signal?: AbortSignal): Promise<void> {
  const { code } = await run(["sudo", "-n", "-v"], { signal, okStatus: [0, 1] });
  if (code === 0) return;
  if (!Deno.stdin.isTerminal()) {
    throw new HostError(`${why}, but sudo wants a password and there is no terminal to ask for it`, {
      hint: "Start pim in a terminal, or allow it in sudoers without a password (NOPASSWD).",
    });
  }
  log.info(`${why}: sudo may ask for your password`);
  const status = await runInteractive(["sudo", "-v"], { signal });
  if (signal?.aborted) throw new CancelledError();
  if (status !== 0) throw new HostError(`${why}, but sudo refused`, { hint: "Try by itself: sudo -v" });
}

/** Runs a program as root; sudo's own question comes only when it is needed. */
async function runAsRoot(argv: readonly string[], why: string, options: SudoOptions): Promise<void> {
  const { ask = true, signal } = options;
  try {
    await run(sudoArgv(argv), { signal });
  } catch (error) {
    const complained = error instanceof ProcessError && /^sudo: /m.test(error.stderr);
    if (!complained || !ask) throw error;
    await askForSudo(why, signal);
    await run(sudoArgv(argv), { signal });
  }
}

/**
 * Connects to a unix socket. One that root owns, as those of a VM that runs under sudo, is first given to us through
 * sudo, so that every later connection just works. Throws a PimError whose cause is the runtime's error.
 *
 * @param options `timeoutMs`: how long to wait while others wait to be connected; default 5000
 */
export async function connectUnix(
  path: string,
  options: SudoOptions & { readonly timeoutMs?: number } = {},
): Promise<Deno.UnixConn> {
  try {
    return await connectInTurn(path, options);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cannotConnect(path, cause);
    await takeSocket(path, cause, options);
  }
  try {
    return await connectInTurn(path, options);
  } catch (cause) {
    throw cannotConnect(path, cause);
  }
}

/** QEMU has one client at a time on a socket and lets one or two wait; Linux turns any others away (EAGAIN). */
async function connectInTurn(
  path: string,
  { timeoutMs = 5000, signal }: SudoOptions & { readonly timeoutMs?: number },
): Promise<Deno.UnixConn> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await Deno.connect({ transport: "unix", path });
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock) || performance.now() >= endMs) throw error;
    }
    await sleep(10, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}

async function takeSocket(path: string, cause: Error, options: SudoOptions): Promise<void> {
  const us = Deno.uid();
  let owner: number | null;
  try {
    const info = await Deno.lstat(path);
    if (!info.isSocket) throw cannotConnect(path, cause);
    owner = info.uid;
  } catch (error) {
    throw error instanceof PimError ? error : cannotConnect(path, error);
  }
  // Another user's socket is that user's own business, even where we could become root.
  if (owner !== 0) throw cannotConnect(path, cause, owner === us ? undefined : `it belongs to user ${owner}`);
  // -h: a link that took the socket's place in the meantime is not followed.
  try {
    await runAsRoot(["chown", "-h", `${us}`, path], `${path} belongs to root`, options);
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    throw cannotConnect(path, error, `it belongs to root, and ${error.message}`);
  }
}

function cannotConnect(path: string, cause: unknown, why?: string): PimError {
  if (cause instanceof CancelledError) return cause;
  const reason = why ??
    (cause instanceof Deno.errors.NotFound
      ? "there is no such socket"
      : cause instanceof Deno.errors.ConnectionRefused
      ? "nobody listens on it"
      : cause instanceof Deno.errors.WouldBlock
      ? "others wait for it already, and it answers nobody"
      : messageOf(cause));
  return new PimError(`Cannot connect to ${path}: ${reason}`, { cause });
}

/** Sends a signal to a process, through sudo where that is not ours; false when there is no such process. */
export async function signalProcess(
  pid: number,
  name: Deno.Signal,
  options: SudoOptions = {},
): Promise<boolean> {
  // 0, 1 and below mean groups of processes, or all of them.
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new TypeError(`${pid} is no process`);
  try {
    Deno.kill(pid, name);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
  try {
    await runAsRoot(["kill", "-s", name.replace(/^SIG/, ""), `${pid}`], `Process ${pid} is root's`, options);
    return true;
  } catch (error) {
    if (error instanceof ProcessError && /No such process/i.test(error.stderr)) return false;
    throw error;
  }
}
