import { CancelledError, messageOf, PimError } from "../errors.ts";
import { connectUnix, type SudoOptions } from "../sudo.ts";
import { parseExactJson } from "./exact_json.ts";
import { QmpClosedError, QmpProtocolError } from "./qmp_error.ts";

/** A JSON object, as QMP and the guest agent speak. */
export type JsonObject = { readonly [key: string]: unknown };

/** What comes in: an object, the guest agent's 0xFF sentinel, or a line that is neither (its beginning). */
export type Incoming =
  | { readonly kind: "object"; readonly value: JsonObject }
  | { readonly kind: "sentinel" }
  | { readonly kind: "garbage"; readonly text: string };

/** A connection that carries one JSON object a line. */
export interface JsonLines extends Disposable {
  /** Sends one object; `flushFirst` puts the 0xFF byte before it that makes a guest agent drop half a request. */
  send(value: JsonObject, options?: { flushFirst?: boolean }): Promise<void>;
  /** Everything that comes in, until the other end closes. Throws QmpProtocolError when a line is too long. */
  incoming(): AsyncIterable<Incoming>;
  /** How many bytes have gone out and come in so far: whether a slow other end is at work. */
  moved(): number;
}

const newline = 0x0a;
const sentinel = 0xff;

/** Connects to a unix socket that carries one JSON object a line, none longer than `maxBytes` (default 64 MiB). */
export async function openJsonLines(
  path: string,
  options: SudoOptions & { maxBytes?: number; conn?: Deno.UnixConn } = {},
): Promise<JsonLines> {
  let conn: Deno.UnixConn;
  try {
    conn = options.conn ?? await connectUnix(path, options);
  } catch (error) {
    if (error instanceof CancelledError || !(error instanceof PimError)) throw error;
    const { message, cause, hint, exitCode } = error;
    throw new QmpClosedError(message, { cause, hint, exitCode });
  }
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const counted = { moved: 0 };
  let sending: Promise<void> = Promise.resolve();
  let closed = false;
  return {
    send(value, { flushFirst = false } = {}) {
      const text = new TextEncoder().encode(JSON.stringify(value) + "\n");
      const bytes = flushFirst ? new Uint8Array([sentinel, ...text]) : text;
      // One after the other: two writes at once could mix their bytes.
      const sent = sending.then(() => writeAll(conn, bytes, path, counted));
      sending = sent.catch(() => {});
      return sent;
    },
    incoming: () => readLines(conn, path, maxBytes, counted),
    moved: () => counted.moved,
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      conn.close();
    },
  };
}

interface Counted {
  moved: number;
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array, path: string, counted: Counted): Promise<void> {
  try {
    for (let offset = 0; offset < bytes.length;) {
      const count = await conn.write(bytes.subarray(offset));
      offset += count;
      counted.moved += count;
    }
  } catch (cause) {
    throw new QmpClosedError(`Cannot write to ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function* readLines(
  conn: Deno.Conn,
  path: string,
  maxBytes: number,
  counted: Counted,
): AsyncGenerator<Incoming> {
  const buffer = new Uint8Array(64 * 1024);
  let pieces: Uint8Array[] = [];
  let held = 0;
  for (;;) {
    const count = await read(conn, buffer);
    if (count === null) return;
    counted.moved += count;
    let start = 0;
    for (let index = 0; index < count; index++) {
      const byte = buffer[index];
      if (byte !== newline && byte !== sentinel) continue;
      const line = join(pieces, buffer.subarray(start, index));
      [pieces, held, start] = [[], 0, index + 1];
      if (byte === sentinel) yield { kind: "sentinel" }; // Whatever stood before it is an answer cut off.
      else if (line.trim() !== "") yield parse(line);
    }
    held += count - start;
    if (held > maxBytes) throw new QmpProtocolError(`A line on ${path} is longer than ${maxBytes} bytes`);
    if (start < count) pieces.push(buffer.slice(start, count));
  }
}

async function read(conn: Deno.Conn, buffer: Uint8Array): Promise<number | null> {
  try {
    return await conn.read(buffer);
  } catch {
    return null; // Closed by us, or reset because QEMU died: the end in either case.
  }
}

function join(pieces: readonly Uint8Array[], last: Uint8Array): string {
  const decoder = new TextDecoder();
  let text = "";
  for (const piece of pieces) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode(last);
}

function parse(line: string): Incoming {
  try {
    const value = parseExactJson(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return { kind: "object", value: value as JsonObject };
    }
  } catch {
    // What it means is for the protocol above to say.
  }
  return { kind: "garbage", text: line.slice(0, 120) };
}
