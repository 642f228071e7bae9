import { setTimeout as sleep } from "node:timers/promises";

/** What comes over a connection, taken as fast as it comes. */
export interface Incoming {
  /** Settles when something is there to be taken, or the connection has ended; or after this time. */
  wait(timeoutMs?: number): Promise<void>;
  /** All that is there; empty when nothing is. */
  take(): Uint8Array;
  /** Whether something is there. */
  some(): boolean;
  /** Whether the connection has ended: what is there is the last. */
  ended(): boolean;
  /** Takes no more: as if the connection had ended. */
  stop(): void;
}

// QEMU stops a guest's writing once some 280 bytes on its socket are not read, whatever keeps the reader.
const defaultMaxBytes = 64 * 1024 * 1024;

/** Reads a connection into memory, at most about `maxBytes` ahead of what is taken. */
export function receive(
  socket: { read(buffer: Uint8Array): Promise<number | null> },
  maxBytes = defaultMaxBytes,
): Incoming {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  const waiting: (() => void)[] = [];
  let onTaken = () => {};
  const changed = () => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const read = async () => {
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
      pieces.push(buffer.slice(0, count));
      bytes += count;
      changed();
      while (bytes > maxBytes) await new Promise<void>((resolve) => onTaken = resolve);
    }
  };
  const stop = () => {
    ended = true;
    changed();
  };
  // An error of reading is an end too: QEMU was killed, or we closed it.
  read().catch(() => {}).finally(stop);
  return {
    async wait(timeoutMs) {
      if (bytes > 0 || ended) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        if (timeoutMs !== undefined) timer = setTimeout(resolve, timeoutMs);
      });
      clearTimeout(timer);
    },
    take() {
      const all = concat(pieces);
      pieces = [];
      bytes = 0;
      onTaken();
      return all;
    },
    some: () => bytes > 0,
    ended: () => ended,
    stop,
  };
}

const keptBytes = 64 * 1024;

/**
 * What a serial port says from a place in its log on: that of the log until QEMU has taken the connection, then that of
 * the connection. The log has to stand where it ended before the connection was asked for. Where the one goes over into
 * the other is found by what they say, so that nothing is lost or given twice.
 */
export async function* consoleOutput(log: Deno.FsFile, incoming: Incoming): AsyncGenerator<Uint8Array> {
  let logged: Uint8Array = new Uint8Array();
  let given = 0;
  while (!incoming.some() && !incoming.ended()) {
    const more = await readOn(log);
    logged = concat([logged.slice(-keptBytes), more]);
    given = logged.length - more.length;
    // QEMU writes to the connection first: what of this came over it too has come by then.
    await settle(() => incoming.wait(5));
    if (incoming.some()) break;
    if (more.length > 0) yield more;
    given = logged.length;
  }
  logged = concat([logged, await readOn(log)]);
  await settle(() => sleep(5));
  yield join(logged, incoming.take()).subarray(given);
  while (!incoming.ended() || incoming.some()) {
    await incoming.wait();
    if (incoming.some()) yield incoming.take();
  }
}

/** Waits in several steps: on a busy host one alone can be over before anybody looked at the connection. */
async function settle(step: () => Promise<unknown>): Promise<void> {
  for (let count = 0; count < 4; count++) await step();
}

// QEMU 7.2 logs a byte with each attempt to send it, and over a full connection that takes several
// (qemu_chr_write_buffer). So only the first bytes are sure to be logged as they were sent, and the log is not what is
// shown while there is a connection.
const exactBytes = 128;

/**
 * What was said in all, if the end of what was logged is the beginning of what was received. All that was logged has
 * either been received, or was said before.
 */
export function join(logged: Uint8Array, received: Uint8Array): Uint8Array {
  const fits = (at: number) => begins(received, logged.subarray(at, at + exactBytes));
  const first = Math.max(0, logged.length - received.length);
  let at = first;
  // With bytes logged twice the connection began a little earlier than their number tells.
  if (received.length >= 2 * exactBytes) { while (at > 0 && !fits(at)) at--; }
  if (!fits(at)) at = first;
  while (!fits(at)) at++;
  return concat([logged.subarray(0, at), received]);
}

function begins(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, index) => bytes[index] === byte);
}

async function readOn(file: Deno.FsFile): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    pieces.push(buffer.slice(0, count));
  }
  return concat(pieces);
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  if (only !== undefined && pieces.length === 1) return only;
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const piece of pieces) {
    all.set(piece, offset);
    offset += piece.length;
  }
  return all;
}
