import * as v from "valibot";
import type { SudoOptions } from "../sudo.ts";
import { type EventQueue, eventQueue } from "./event_queue.ts";
import { type JsonLines, type JsonObject, openJsonLines } from "./json_lines.ts";
import {
  QmpClosedError,
  QmpCommandError,
  type QmpError,
  QmpProtocolError,
  QmpTimeoutError,
  within,
} from "./qmp_error.ts";

/** Something that QEMU tells unasked, such as SHUTDOWN or BLOCK_JOB_COMPLETED. */
export interface QmpEvent {
  readonly event: string;
  readonly data: JsonObject;
  /** When it happened, in milliseconds since 1970. */
  readonly timeMs: number;
}

/** Options of one command. */
export interface ExecuteOptions {
  /** Default 10 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** A connection to QEMU's monitor (QEMU docs: interop/qmp-spec). */
export interface QmpClient extends AsyncDisposable {
  /** QEMU's version as it greeted: "7.2.22". */
  readonly version: string;
  /** Runs a command and returns what it returned; throws one of the QmpError family. */
  execute(command: string, args?: JsonObject, options?: ExecuteOptions): Promise<unknown>;
  /** Events from now on, all or those of these names, in a queue of this listener's own; ends with the connection. */
  events(names?: readonly string[]): AsyncIterableIterator<QmpEvent> & AsyncDisposable;
  /** Settles when the connection is closed, with the reason. */
  readonly closed: Promise<QmpError>;
}

/** Options of {@linkcode connectQmp}. */
export interface ConnectOptions extends SudoOptions {
  /** For connecting and greeting; default 10 000. */
  readonly timeoutMs?: number;
  /** The longest line that is accepted; default 64 MiB. */
  readonly maxLineBytes?: number;
  /** A connection to the socket that is open already; it is closed with the client. */
  readonly conn?: Deno.UnixConn;
}

const number = v.number();
const greetingSchema = v.object({
  QMP: v.object({
    version: v.object({ qemu: v.object({ major: number, minor: number, micro: number }) }),
  }),
});
const errorSchema = v.object({ error: v.object({ class: v.string(), desc: v.string() }) });
const eventSchema = v.object({
  event: v.string(),
  data: v.optional(v.record(v.string(), v.unknown()), {}),
  timestamp: v.object({ seconds: number, microseconds: number }),
});

interface Pending {
  readonly command: string;
  resolve(value: unknown): void;
  reject(error: QmpError): void;
}

/** Connects to a QMP socket, takes the greeting and negotiates capabilities. */
export async function connectQmp(path: string, options: ConnectOptions = {}): Promise<QmpClient> {
  const lines = await openJsonLines(path, { ...options, maxBytes: options.maxLineBytes });
  const { timeoutMs = 10_000, signal } = options;
  const greeting = Promise.withResolvers<Greeting>();
  greeting.promise.catch(() => {}); // Nobody waits for it any more when we gave up before.
  const session: Session = {
    path,
    lines,
    greeting,
    greeted: false,
    pending: new Map(),
    queues: new Map(),
    sent: 0,
  };
  const closed = readAll(session);
  const dispose = async () => {
    session.over ??= new QmpClosedError(`The connection on ${path} was closed by pim`);
    lines[Symbol.dispose]();
    await closed;
  };
  const silence = () =>
    new QmpTimeoutError(`QEMU said nothing on ${path} within ${timeoutMs} ms`, {
      hint: "The monitor serves one program at a time: is another one connected to it?",
    });
  try {
    const { major, minor, micro } =
      (await within(greeting.promise, timeoutMs, silence, signal)).QMP.version.qemu;
    await execute(session, "qmp_capabilities", {}, { timeoutMs, signal });
    return {
      version: `${major}.${minor}.${micro}`,
      execute: (command, args = {}, options = {}) => execute(session, command, args, options),
      events: (names) => listen(session, names),
      closed,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

type Greeting = v.InferOutput<typeof greetingSchema>;

interface Session {
  readonly path: string;
  readonly lines: JsonLines;
  readonly greeting: PromiseWithResolvers<Greeting>;
  greeted: boolean;
  readonly pending: Map<string, Pending>;
  readonly queues: Map<EventQueue<QmpEvent>, readonly string[] | undefined>;
  /** How many commands were sent so far. */
  sent: number;
  /** Why the connection is closed, once it is. */
  over?: QmpError;
}

async function readAll(session: Session): Promise<QmpError> {
  let reason: QmpError = new QmpClosedError(`QEMU closed the connection on ${session.path}`);
  try {
    for await (const incoming of session.lines.incoming()) {
      if (incoming.kind !== "object") {
        const what = incoming.kind === "garbage" ? incoming.text : "binary data";
        throw new QmpProtocolError(`Not QMP on ${session.path}: ${what}`);
      }
      receive(session, incoming.value);
    }
  } catch (error) {
    reason = error as QmpError;
  }
  const over = session.over ??= reason;
  session.lines[Symbol.dispose]();
  session.greeting.reject(over);
  for (const waiting of session.pending.values()) waiting.reject(over);
  session.pending.clear();
  for (const queue of session.queues.keys()) queue.end();
  return over;
}

function receive(session: Session, value: JsonObject): void {
  const { path, pending } = session;
  if (!session.greeted) {
    // What happens while QEMU takes the connection may come first: its monitor is in no mode yet (monitor/qmp.c).
    if ("event" in value) return;
    const parsed = v.safeParse(greetingSchema, value);
    if (!parsed.success) {
      throw new QmpProtocolError(
        `${path} does not greet as QMP does: ${JSON.stringify(value).slice(0, 120)}`,
      );
    }
    session.greeted = true;
    session.greeting.resolve(parsed.output);
  } else if ("event" in value) {
    const parsed = v.safeParse(eventSchema, value);
    if (!parsed.success) throw new QmpProtocolError(`QEMU sent a malformed event on ${path}`);
    const { event, data, timestamp } = parsed.output;
    const timeMs = timestamp.seconds * 1000 + timestamp.microseconds / 1000;
    for (const [queue, names] of session.queues) {
      if (names === undefined || names.includes(event)) queue.push({ event, data, timeMs });
    }
  } else settle(pending, value, path);
}

async function execute(
  session: Session,
  command: string,
  args: JsonObject,
  { timeoutMs = 10_000, signal }: ExecuteOptions,
): Promise<unknown> {
  if (session.over) throw session.over;
  const id = `pim-${++session.sent}`;
  const answer = Promise.withResolvers<unknown>();
  session.pending.set(id, { command, resolve: answer.resolve, reject: answer.reject });
  // Sending is part of the deadline: a QEMU that hangs does not read either.
  const whole = session.lines.send({ execute: command, arguments: args, id }).then(() => answer.promise);
  const late = () => new QmpTimeoutError(`${command} was not answered within ${timeoutMs} ms`);
  try {
    return await within(Promise.race([whole, answer.promise]), timeoutMs, late, signal);
  } catch (error) {
    // The write fails first when QEMU dies; why the connection ended says more.
    throw error instanceof QmpClosedError ? session.over ?? error : error;
  } finally {
    session.pending.delete(id); // An answer that comes later has no one waiting and is dropped.
  }
}

function listen(session: Session, names?: readonly string[]): EventQueue<QmpEvent> {
  const queue = eventQueue<QmpEvent>((done) => session.queues.delete(done));
  if (session.over) queue.end();
  else session.queues.set(queue, names);
  return queue;
}

function settle(pending: Map<string, Pending>, value: JsonObject, path: string): void {
  const failure = v.safeParse(errorSchema, value);
  if (!failure.success && !("return" in value)) {
    throw new QmpProtocolError(`Neither answer nor event on ${path}: ${JSON.stringify(value).slice(0, 120)}`);
  }
  const waiting = typeof value.id === "string" ? pending.get(value.id) : undefined;
  if (!waiting) return; // Of a command that nobody waits for any more.
  if (failure.success) {
    const { class: errorClass, desc } = failure.output.error;
    waiting.reject(new QmpCommandError(waiting.command, errorClass, desc));
  } else waiting.resolve(value.return);
}
