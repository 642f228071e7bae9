import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { lockFile } from "../../files.ts";
import { runtimeLock } from "../../paths.ts";
import { cancelled, within } from "../../qemu/qmp_error.ts";
import { connectUnix } from "../../sudo.ts";
import { passKeys } from "./console_keys.ts";
import { consoleOutput, type Incoming, receive } from "./console_output.ts";
import { isGoneWithin, isThere } from "../gone.ts";
import type { VmDirs } from "../places.ts";
import { readEnd } from "./serial_log.ts";
import { type TerminalModes, terminalModes, withoutQueries } from "./terminal_modes.ts";
import type { RunningVm } from "../vms.ts";

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
  // Before the connection, which tells from then on what is not in here.
  const backlog = await readEnd(log, options.fromStart ? Infinity : backlogBytes);
  const socket = await connectUnix(vm.files.serial, { signal }).catch(async (error) => {
    if (await isGoneWithin(vm, 1000, signal)) return undefined;
    throw error;
  });
  if (socket === undefined) return "ended";
  const incoming = receive(socket);
  options.onAttached?.();
  const modes = terminalModes();
  try {
    using _socket = socket;
    if (terminal.keyboard) await terminal.setRaw(true);
    return await converse({
      ...{ vm, terminal, signal, log, socket, incoming, modes },
      backlog: options.fromStart ? backlog : withoutQueries(backlog),
    });
  } finally {
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
  readonly incoming: Incoming;
  readonly modes: TerminalModes;
  readonly backlog: Uint8Array;
}

async function converse(all: Conversation): Promise<ConsoleEnd> {
  const { vm, terminal, socket, incoming, signal } = all;
  const { promise: aborted, reject: abort } = Promise.withResolvers<never>();
  aborted.catch(() => {});
  const onAbort = () => abort(cancelled(signal));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const left = new AbortController();
  const showing = show(all, left.signal);
  const keys = terminal.input.getReader();
  const typing = passKeys(keys, terminal.keyboard, socket);
  try {
    const how = await Promise.race([showing, leaving(typing), aborted]);
    if (how === "left") {
      left.abort();
      // QEMU drops keys that the guest has not taken yet when a connection is closed, but not at its orderly end.
      await soon(socket.closeWrite().then(() => ended(incoming)));
    } else if (!(await isGoneWithin(vm, 5000, signal))) {
      throw new PimError(`QEMU of ${vm.name} closed the connection to its console, and goes on`, {
        hint: `Try again: pim console ${vm.name}`,
      });
    }
    return how;
  } finally {
    left.abort();
    signal.removeEventListener("abort", onAbort);
    keys.releaseLock();
    incoming.stop();
    // What was being written comes before what puts the terminal back.
    await soon(showing);
  }
}

/** Settles when the user leaves; an input that ended and is no terminal leaves nobody. */
async function leaving(typing: Promise<boolean>): Promise<ConsoleEnd> {
  return await typing ? "left" : await new Promise<never>(() => {});
}

async function ended(incoming: Incoming): Promise<void> {
  while (!incoming.ended()) {
    incoming.take();
    await incoming.wait();
  }
}

/** Shows what the guest says until its end, or until the user has left. */
async function show(all: Conversation, left: AbortSignal): Promise<ConsoleEnd> {
  const { terminal, log, incoming, modes, backlog } = all;
  const write = async (bytes: Uint8Array) => {
    modes.note(bytes);
    await terminal.write(bytes);
  };
  try {
    await write(backlog);
    for await (const bytes of consoleOutput(log, incoming)) {
      if (left.aborted) break;
      await write(bytes);
    }
    return "ended";
  } catch (cause) {
    // Nobody reads any more, or the terminal is gone: the user left.
    if (cause instanceof Deno.errors.BrokenPipe || terminal.screen) return "left";
    throw new PimError(`Cannot write what the console shows: ${messageOf(cause)}`, { cause });
  }
}

/** Waits for what should take no time, and not longer than half a second; whether it worked does not matter. */
async function soon(done: Promise<unknown>): Promise<void> {
  await within(done, 500, () => new CancelledError()).catch(() => {});
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
