import { setTimeout as sleep } from "node:timers/promises";
import { PimError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { lastLines } from "../lines.ts";
import { redact } from "../log.ts";
import { formatArgv, type Running, start } from "../process.ts";
import { qemuArgs } from "./args.ts";
import type { QemuHost } from "./host.ts";
import type { MachineSpec } from "./machine_spec.ts";
import { connectQmp, type QmpClient, type QmpEvent } from "./qmp.ts";
import { cancelled, QmpClosedError, within } from "./qmp_error.ts";

/** How QEMU ended. */
export interface MachineEnd {
  readonly code: number;
  readonly signal: string | null;
  /** The end of what QEMU wrote to stderr. */
  readonly stderr: string;
}

/** A running QEMU; disposing of it ends it and removes its sockets. */
export interface Machine extends AsyncDisposable {
  readonly pid: number;
  readonly argv: readonly string[];
  readonly qmp: QmpClient;
  /** Settles when QEMU has ended, for whatever reason; never rejects. */
  readonly ended: Promise<MachineEnd>;
  /** Ends QEMU at once, as pulling the plug does but with its files closed; kills it when it does not obey. */
  stop(options?: { readonly timeoutMs?: number }): Promise<MachineEnd>;
}

/** Options of {@linkcode startMachine}. */
export interface StartMachineOptions {
  /** Ends QEMU when aborted. */
  readonly signal?: AbortSignal;
  /** Called with every QMP event. */
  readonly onEvent?: (event: QmpEvent) => void;
  /** How long QEMU may take until it answers on its monitor; default 30 000. */
  readonly timeoutMs?: number;
  /** How long QEMU may take to end once it has said that it will; default 30 000. */
  readonly shutdownMs?: number;
}

/** QEMU ended before anybody asked it to. */
export class MachineDiedError extends PimError {
  override readonly name = "MachineDiedError";

  constructor(machine: string, readonly end: MachineEnd, argv: readonly string[]) {
    const how = end.signal === null ? `exited with ${end.code}` : `was ended by ${end.signal}`;
    const said = lastLines(end.stderr, 10);
    super(`QEMU of ${machine} ${how}${said === "" ? " and said nothing" : `: ${said}`}`, {
      hint: `It was started as: ${redact(formatArgv(argv))}`,
    });
  }
}

/**
 * The longest path of a unix socket on any system pim runs on: macOS has 104 bytes for one in a socket address, Linux
 * 108, each with the byte that ends it.
 */
export const maxSocketPathBytes = 103;

/** Starts a machine and connects to its monitor; its death is noticed at once, with what QEMU said. */
export async function startMachine(
  host: QemuHost,
  spec: MachineSpec,
  options: StartMachineOptions = {},
): Promise<Machine> {
  const sockets = socketPaths(spec);
  for (const path of sockets) checkSocketPath(path);
  // What is left of an earlier QEMU would be connected to before the new one has made its own.
  for (const path of sockets) await removeIfThere(path);
  // What a console shows is nobody else's to read, and QEMU would make its log with the user's umask.
  await Deno.writeTextFile(spec.serial.log, "", { append: true, mode: 0o600 });
  const argv = qemuArgs(host, spec);
  const child = start(argv, { signal: options.signal });
  let letGo = false;
  const ended = child.ended.then(({ code, signal }) => ({
    ...(letGo ? { code: 0, signal: null } : { code, signal }),
    stderr: child.stderr(),
  }));
  try {
    const qmp = await awaitMonitor({ name: spec.name, socket: spec.qmpSocket, argv, ended }, options);
    if (options.onEvent) void deliver(qmp, options.onEvent);
    void hangsAtItsEnd(qmp, ended, options.shutdownMs).then((hangs) => {
      if (!hangs) return;
      letGo = true;
      child.kill("SIGKILL");
    });
    return machineOf(child, qmp, ended, sockets);
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    for (const path of sockets) await removeIfThere(path);
    throw error;
  }
}

/** The unix sockets that a machine makes. */
function socketPaths(spec: MachineSpec): string[] {
  return [
    spec.qmpSocket,
    ...(spec.agentSocket === undefined ? [] : [spec.agentSocket]),
    spec.serial.socket,
  ];
}

/** Throws when a path is too long for a unix socket on any system pim runs on. */
export function checkSocketPath(path: string): void {
  const bytes = new TextEncoder().encode(path).length;
  if (bytes <= maxSocketPathBytes) return;
  throw new PimError(
    `Cannot make a socket at ${path}: ${bytes} bytes, and ${maxSocketPathBytes} is the limit`,
    {
      hint: "Use a shorter name, or set XDG_RUNTIME_DIR to a folder with a shorter path.",
    },
  );
}

/** A QEMU that was just started, as far as waiting for its monitor has to know it. */
export interface StartedQemu {
  /** Of the machine, for messages. */
  readonly name: string;
  /** Path of its QMP socket. */
  readonly socket: string;
  readonly argv: readonly string[];
  readonly ended: Promise<MachineEnd>;
}

/** Waits until a QEMU answers on its monitor; throws MachineDiedError at once when it ends before. */
export async function awaitMonitor(qemu: StartedQemu, options: StartMachineOptions = {}): Promise<QmpClient> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const died = qemu.ended.then((end) => {
    throw options.signal?.aborted
      ? cancelled(options.signal)
      : new MachineDiedError(qemu.name, end, qemu.argv);
  });
  died.catch(() => {});
  const giveUp = new AbortController();
  const connecting = connectWhenThere(qemu.socket, timeoutMs, giveUp.signal);
  const late = () =>
    new PimError(`QEMU of ${qemu.name} did not answer on its monitor within ${timeoutMs / 1000} s`);
  try {
    return await within(Promise.race([connecting, died]), timeoutMs, late, options.signal);
  } catch (error) {
    giveUp.abort();
    // It may have come about after all: then it has to be closed.
    connecting.then((qmp) => qmp[Symbol.asyncDispose](), () => {});
    // A dying QEMU first closes its socket; its exit status and stderr say why.
    if (error instanceof QmpClosedError) await within(died, 2000, () => error);
    throw error;
  }
}

async function connectWhenThere(path: string, timeoutMs: number, signal: AbortSignal): Promise<QmpClient> {
  for (;;) {
    signal.throwIfAborted();
    try {
      await Deno.lstat(path);
      return await connectQmp(path, { timeoutMs, signal });
    } catch (error) {
      const notYet = error instanceof Deno.errors.NotFound ||
        error instanceof QmpClosedError && error.cause instanceof Deno.errors.ConnectionRefused;
      if (!notYet) throw error;
    }
    await sleep(10);
  }
}

async function deliver(qmp: QmpClient, onEvent: (event: QmpEvent) => void): Promise<void> {
  for await (const event of qmp.events()) onEvent(event);
}

/**
 * Whether QEMU goes on although it has said SHUTDOWN a while ago. One that is sent a command just then can wait for ever
 * at its very end (seen with 7.2, in one of ten tries); its disks are closed by that time.
 */
async function hangsAtItsEnd(
  qmp: QmpClient,
  ended: Promise<unknown>,
  shutdownMs = 30_000,
): Promise<boolean> {
  await using events = qmp.events(["SHUTDOWN"]);
  if ((await events.next()).done) return false;
  const over = new AbortController();
  void ended.then(() => over.abort());
  return await sleep(shutdownMs, true, { signal: over.signal }).catch(() => false);
}

function machineOf(
  child: Running,
  qmp: QmpClient,
  ended: Promise<MachineEnd>,
  sockets: readonly string[],
): Machine {
  let over = false;
  void ended.then(() => over = true);
  async function stop({ timeoutMs = 10_000 } = {}): Promise<MachineEnd> {
    if (!over) {
      // The answer may not come any more: QEMU is going. What counts is that it ends.
      await qmp.execute("quit", {}, { timeoutMs: Math.min(2000, timeoutMs) }).catch(() => {});
      const term = setTimeout(() => child.kill("SIGTERM"), timeoutMs);
      const kill = setTimeout(() => child.kill("SIGKILL"), timeoutMs + 2000);
      await ended;
      clearTimeout(term);
      clearTimeout(kill);
    }
    return await ended;
  }
  return {
    pid: child.pid,
    argv: child.argv,
    qmp,
    ended,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await qmp[Symbol.asyncDispose]();
      for (const path of sockets) await removeIfThere(path);
    },
  };
}
