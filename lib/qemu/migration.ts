import { dirname } from "node:path";
import { CancelledError, messageOf, PimError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { lastLines } from "../lines.ts";
import { checkSocketPath } from "./machine.ts";
import { watchMigration } from "./migration_status.ts";
import type { QmpClient } from "./qmp.ts";
import { QmpClosedError, QmpTimeoutError, within } from "./qmp_error.ts";

/** Options common to saving and loading. */
interface StateOptions {
  /** Path for a unix socket between QEMU and pim, which is there only meanwhile. */
  readonly socket: string;
  /** Path of the file with the state. */
  readonly file: string;
  readonly signal?: AbortSignal;
  /** Called now and then with the number of bytes that have passed. */
  readonly onProgress?: (bytes: number) => void;
  /** How long QEMU may keep still; default 30 000. */
  readonly timeoutMs?: number;
}

/** Options of {@linkcode saveState}. */
export interface SaveStateOptions extends StateOptions {
  /** A larger state is not kept: a StateTooLargeError. */
  readonly maxBytes?: number;
}

/** The state of a machine is larger than it may be. */
export class StateTooLargeError extends PimError {
  override readonly name = "StateTooLargeError";
}

// Nothing else is on this line: QEMU's own limit is 128 MiB a second.
const maxBandwidthBytes = 2 ** 40;
const bufferBytes = 1024 * 1024;

/**
 * Writes the state of a stopped machine (memory and devices, without its disks) to a file; `cont` lets it run on.
 * The file has its name only when it is whole. Throws QmpCommandError when a device cannot be saved.
 */
export async function saveState(qmp: QmpClient, options: SaveStateOptions): Promise<{ bytes: number }> {
  const { socket, file, signal } = options;
  checkSocketPath(socket);
  const part = `${file}.part`;
  await removeIfThere(socket);
  await using undo = new AsyncDisposableStack();
  const migration = undo.use(await watchMigration(qmp));
  await qmp.execute("migrate-set-parameters", { "max-bandwidth": maxBandwidthBytes }, { signal });
  const listener = Deno.listen({ transport: "unix", path: socket });
  undo.defer(() => removeIfThere(socket));
  undo.use(listener);
  const target = await openPart(part);
  undo.defer(() => removeIfThere(part));
  undo.use(target);
  try {
    await qmp.execute("migrate", { uri: `unix:${socket}` }, { signal });
    const bytes = await receive(listener, target, options);
    await migration.completed(options);
    await target.syncData();
    await Deno.rename(part, file);
    return { bytes };
  } catch (error) {
    await migration.cancel();
    throw explain(`Cannot save the machine's state to ${file}`, error);
  }
}

/** Options of {@linkcode loadState}. */
export interface LoadStateOptions extends StateOptions {
  /** Of the machine: its last words say why a state could not be loaded. */
  readonly ended?: Promise<{ readonly stderr: string }>;
}

/**
 * Loads what {@linkcode saveState} saved into a machine that was started with `incoming` and the same devices; it is
 * stopped then, and `cont` lets it run on. A QEMU that cannot load a state ends.
 */
export async function loadState(qmp: QmpClient, options: LoadStateOptions): Promise<void> {
  const { socket, file, signal } = options;
  checkSocketPath(socket);
  await removeIfThere(socket);
  using source = await openState(file);
  try {
    await using undo = new AsyncDisposableStack();
    const migration = undo.use(await watchMigration(qmp));
    undo.defer(() => removeIfThere(socket));
    await qmp.execute("migrate-incoming", { uri: `unix:${socket}` }, { signal });
    {
      using conn = await Deno.connect({ transport: "unix", path: socket });
      await send(source, conn, options);
    }
    await migration.completed(options);
  } catch (error) {
    throw explain(cannotLoad(file), await withLastWords(error, options.ended));
  }
}

async function openPart(path: string): Promise<Deno.FsFile> {
  try {
    await removeIfThere(path);
    // As secret as the guest's memory.
    return await Deno.open(path, { write: true, createNew: true, mode: 0o600 });
  } catch (cause) {
    throw new PimError(`Cannot write in ${dirname(path)}: ${messageOf(cause)}`, { cause });
  }
}

async function openState(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw new PimError(`${cannotLoad(path)}: ${messageOf(cause)}`, { cause });
  }
}

/** Copies what QEMU sends until it has sent all; returns how many bytes that was. */
async function receive(
  listener: Deno.UnixListener,
  target: Deno.FsFile,
  { maxBytes = Infinity, signal, onProgress, timeoutMs = 30_000 }: SaveStateOptions,
): Promise<number> {
  const late = () => silent(timeoutMs);
  using conn = await within(listener.accept(), timeoutMs, late, signal);
  const buffer = new Uint8Array(bufferBytes);
  let bytes = 0;
  for (;;) {
    const count = await within(conn.read(buffer), timeoutMs, late, signal);
    if (count === null) return bytes;
    bytes += count;
    if (bytes > maxBytes) {
      throw new StateTooLargeError(`The machine's state is larger than ${maxBytes} bytes`);
    }
    // Into the kernel's cache, which does not block for long; each asynchronous write would cost a change of threads.
    for (let offset = 0; offset < count;) offset += target.writeSync(buffer.subarray(offset, count));
    onProgress?.(bytes);
  }
}

async function send(
  source: Deno.FsFile,
  conn: Deno.UnixConn,
  { signal, onProgress, timeoutMs = 30_000 }: LoadStateOptions,
): Promise<void> {
  const buffer = new Uint8Array(bufferBytes);
  let bytes = 0;
  for (;;) {
    const count = source.readSync(buffer);
    if (count === null) return;
    for (let offset = 0; offset < count;) {
      const sent = conn.write(buffer.subarray(offset, count));
      offset += await within(sent, timeoutMs, () => silent(timeoutMs), signal);
    }
    onProgress?.(bytes += count);
  }
}

function cannotLoad(file: string): string {
  return `Cannot load a machine's state from ${file}`;
}

function silent(timeoutMs: number): QmpTimeoutError {
  return new QmpTimeoutError(`QEMU moved nothing within ${timeoutMs / 1000} s`);
}

/** The error for the caller: what was to be done, and why it could not; errors that say more by their kind stay. */
function explain(what: string, error: unknown): unknown {
  if (error instanceof CancelledError || error instanceof StateTooLargeError) return error;
  const hint = error instanceof PimError ? error.hint : undefined;
  return new PimError(`${what}: ${messageOf(error)}`, { cause: error, hint });
}

/** A broken pipe says only that QEMU has gone; what it said at its end says why. */
async function withLastWords(error: unknown, ended: LoadStateOptions["ended"]): Promise<unknown> {
  if (error instanceof CancelledError || ended === undefined) return error;
  try {
    const { stderr } = await within(ended, 2000, () => new QmpTimeoutError("QEMU is alive"));
    const said = lastLines(stderr, 3);
    return said === "" ? error : new QmpClosedError(said, { cause: error });
  } catch {
    return error; // It has not ended.
  }
}
