import { CancelledError, messageOf, PimError } from "../errors.ts";
import { lockFile } from "../files.ts";
import { runtimeLock } from "../paths.ts";
import { cancelled, within } from "../qemu/qmp_error.ts";
import { connectUnix } from "../sudo.ts";
import { passKeys } from "./console_keys.ts";
import { isGoneWithin, isThere } from "./gone.ts";
import type { VmDirs } from "./places.ts";
import { followLog, type Pause, readEnd } from "./serial_log.ts";
import { type TerminalModes, terminalModes, withoutQueries } from "./terminal_modes.ts";
import type { RunningVm } from "./vms.ts";

// What is shown comes from the log that QEMU writes of the serial port; the socket carries the keys, and what it gives is
// read only to know when to look at the log. The log is exact: between reading a backlog and QEMU's accepting of the
// connection nothing is lost or shown twice. And a guest never waits for a slow or stopped terminal: QEMU holds it up as
// soon as a few hundred bytes on the socket are not read.

/** Where a console is shown and typed on: a terminal or pipes. */
export interface ConsoleTerminal {
  /** Whether the input is a terminal: then each key passes as it is, and Ctrl-] leaves. */
  readonly keyboard: boolean;
  /** Whether the output is a terminal, which is to be left as it was found. */
  readonly screen: boolean;
  readonly input: ReadableStream<Uint8Array>;
  /** Writes all of it; throws Deno.errors.BrokenPipe when nobody reads it any more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Has keys and output pass unchanged, or puts the terminal back as it was. */
  setRaw(raw: boolean): Promise<void>;
}

/** Options of {@linkcode attachConsole}. */
export interface AttachOptions {
  readonly terminal: ConsoleTerminal;
  /** Leaves when aborted: a CancelledError. */
  readonly signal: AbortSignal;
  /** Show everything since the VM's start; else the last screenful, and what comes. */
  readonly fromStart?: boolean;
  /** Called when another console is attached and has to leave first. */
  readonly onWait?: () => void;
  /** Called when keys are taken from now on. */
  readonly onAttached?: () => void;
}

/** How a console came to its end: the user left, or the VM ended. */
export type ConsoleEnd = "left" | "ended";

const backlogBytes = 4096;

/** Shows a VM's serial console, and types on it, until the user leaves or the VM ends; one at a time gets in. */
export async function attachConsole(
  { runtimeDir }: VmDirs,
  vm: RunningVm,
  options: AttachOptions,
): Promise<ConsoleEnd> {
  const { terminal, signal } = options;
  await using _lock = await lockFile(runtimeLock(runtimeDir, "console", vm.name), options.onWait, signal);
  if (!(await isThere(vm))) return "ended";
  using log = await openLog(vm);
  const socket = await connectUnix(vm.files.serial, { signal }).catch(async (error) => {
    if (await isGoneWithin(vm, 1000, signal)) return undefined;
    throw error;
  });
  if (socket === undefined) return "ended";
  options.onAttached?.();
  const modes = terminalModes();
  try {
    if (terminal.keyboard) await terminal.setRaw(true);
    const backlog = options.fromStart ? undefined : withoutQueries(await readEnd(log, backlogBytes));
    return await converse({ vm, terminal, signal, log, socket, modes, backlog });
  } finally {
    socket.close();
    // A terminal that hangs must not keep pim from ending.
    if (terminal.screen) await soon(terminal.write(modes.undo()));
    if (terminal.keyboard) await terminal.setRaw(false);
  }
}

interface Conversation {
  readonly vm: RunningVm;
  readonly terminal: ConsoleTerminal;
  readonly signal: AbortSignal;
  readonly log: Deno.FsFile;
  readonly socket: Deno.UnixConn;
  readonly modes: TerminalModes;
  readonly backlog: Uint8Array | undefined;
}

async function converse(all: Conversation): Promise<ConsoleEnd> {
  const { vm, terminal, socket, signal } = all;
  const end = Promise.withResolvers<ConsoleEnd>();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const onAbort = () => aborted.reject(cancelled(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const over = new AbortController();
  const bell = newBell();
  const finish = (how: ConsoleEnd) => {
    over.abort(how);
    bell.ring();
  };
  const showing = show(all, over.signal, bell.wait);
  showing.then(() => end.resolve("left"), end.reject);
  discard(socket, bell.ring).then(() => end.resolve("ended"));
  const keys = terminal.input.getReader();
  passKeys(keys, terminal.keyboard, socket).then((left) => left && end.resolve("left"));
  try {
    const how = await Promise.race([end.promise, aborted.promise]);
    if (how === "ended") {
      await confirmEnd(vm, signal);
      finish(how);
      await Promise.race([showing, aborted.promise]);
    }
    return how;
  } finally {
    finish("left");
    signal.removeEventListener("abort", onAbort);
    keys.releaseLock();
    // What was being written comes before what puts the terminal back; a terminal that hangs is not waited for.
    await soon(showing);
  }
}

/** Shows the log until `over`; what a VM that ended has left in it too. */
async function show(all: Conversation, over: AbortSignal, pause: Pause): Promise<void> {
  const { terminal, log, modes, backlog } = all;
  const write = async (bytes: Uint8Array) => {
    modes.note(bytes);
    await terminal.write(bytes);
  };
  try {
    if (backlog !== undefined) await write(backlog);
    for await (const bytes of followLog(log, over, pause)) {
      if (over.reason === "left") return;
      await write(bytes);
    }
  } catch (cause) {
    // Nobody reads any more, or the terminal is gone: the user left.
    if (cause instanceof Deno.errors.BrokenPipe || terminal.screen) return;
    throw new PimError(`Cannot write what the console shows: ${messageOf(cause)}`, { cause });
  }
}

async function discard(socket: Deno.UnixConn, onBytes: () => void): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  try {
    while (await socket.read(buffer) !== null) onBytes();
  } catch {
    // Reset by a QEMU that was killed, or closed by us.
  }
}

async function confirmEnd(vm: RunningVm, signal: AbortSignal): Promise<void> {
  if (await isGoneWithin(vm, 5000, signal)) return;
  throw new PimError(`QEMU of ${vm.name} closed the connection to its console, and goes on`, {
    hint: `Try again: pim console ${vm.name}`,
  });
}

/** Waits for what should take no time, and not longer than half a second; whether it worked does not matter. */
async function soon(done: Promise<unknown>): Promise<void> {
  await within(done, 500, () => new CancelledError()).catch(() => {});
}

const idleMs = 200;

/** Says when to look at the log: soon after each ring, less and less often without one. */
function newBell(): { ring(): void; readonly wait: Pause } {
  let delayMs = 1;
  let hurry = () => {};
  return {
    // Not at once: QEMU writes to the socket first, byte by byte, and to the log after that.
    ring() {
      delayMs = 1;
      hurry();
    },
    wait: () =>
      new Promise<void>((resolve) => {
        let timer = setTimeout(resolve, delayMs);
        hurry = () => {
          hurry = () => {};
          clearTimeout(timer);
          timer = setTimeout(resolve, 1);
        };
        if (delayMs === 1) hurry = () => {};
        delayMs = Math.min(2 * delayMs, idleMs);
      }),
  };
}

async function openLog(vm: RunningVm): Promise<Deno.FsFile> {
  try {
    return await Deno.open(vm.folder.serialLog);
  } catch (cause) {
    throw new PimError(`Cannot read the console of ${vm.name}: ${messageOf(cause)}`, {
      cause,
      hint: `Its log ${vm.folder.serialLog} is made anew by a restart: pim restart ${vm.name}`,
    });
  }
}
