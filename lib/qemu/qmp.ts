import * as v from "valibot";
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
export interface ConnectOptions {
  /** For connecting and greeting; default 10 000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The longest line that is accepted; default 64 MiB. */
  readonly maxLineBytes?: number;
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
  const lines = await openJsonLines(path, { maxBytes: options.maxLineBytes });
  const timeoutMs = options.timeoutMs ?? 10_000;
  const session = openSession(lines, path);
  try {
    const greeting = await within(
      session.greeting,
      timeoutMs,
      () =>
        new QmpTimeoutError(`QEMU said nothing on ${path} within ${timeoutMs} ms`, {
          hint: "The monitor serves one program at a time: is another one connected to it?",
        }),
      options.signal,
    );
    await session.client.execute("qmp_capabilities", {}, { timeoutMs, signal: options.signal });
    const { major, minor, micro } = greeting.QMP.version.qemu;
    return { ...session.client, version: `${major}.${minor}.${micro}` };
  } catch (error) {
    await session.client[Symbol.asyncDispose]();
    throw error;
  }
}

type Greeting = v.InferOutput<typeof greetingSchema>;

function openSession(lines: JsonLines, path: string): {
  greeting: Promise<Greeting>;
  client: Omit<QmpClient, "version">;
} {
  const pending = new Map<string, Pending>();
  const queues = new Map<EventQueue<QmpEvent>, readonly string[] | undefined>();
  const greeting = Promise.withResolvers<Greeting>();
  greeting.promise.catch(() => {}); // Seen by connectQmp, which may have given up before.
  let greeted = false;
  let over: QmpError | undefined;
  let serial = 0;

  function receive(value: JsonObject): void {
    if (!greeted) {
      const parsed = v.safeParse(greetingSchema, value);
      if (!parsed.success) throw new QmpProtocolError(`${path} does not greet as QMP does`);
      greeted = true;
      greeting.resolve(parsed.output);
    } else if ("event" in value) {
      const parsed = v.safeParse(eventSchema, value);
      if (!parsed.success) throw new QmpProtocolError(`QEMU sent a malformed event on ${path}`);
      const { event, data, timestamp } = parsed.output;
      const timeMs = timestamp.seconds * 1000 + timestamp.microseconds / 1000;
      for (const [queue, names] of queues) {
        if (names === undefined || names.includes(event)) queue.push({ event, data, timeMs });
      }
    } else settle(pending, value, path);
  }

  async function readAll(): Promise<QmpError> {
    let reason: QmpError = new QmpClosedError(`QEMU closed the connection on ${path}`);
    try {
      for await (const incoming of lines.incoming()) {
        if (incoming.kind !== "object") {
          throw new QmpProtocolError(
            `Not QMP on ${path}: ${incoming.kind === "garbage" ? incoming.text : "binary data"}`,
          );
        }
        receive(incoming.value);
      }
    } catch (error) {
      reason = error as QmpError;
    }
    over ??= reason;
    lines[Symbol.dispose]();
    greeting.reject(over);
    for (const waiting of pending.values()) waiting.reject(over);
    pending.clear();
    for (const queue of queues.keys()) queue.end();
    return over;
  }

  const closed = readAll();
  const client = {
    closed,
    async execute(command: string, args: JsonObject = {}, options: ExecuteOptions = {}): Promise<unknown> {
      if (over) throw over;
      const id = `pim-${++serial}`;
      const answer = Promise.withResolvers<unknown>();
      pending.set(id, { command, resolve: answer.resolve, reject: answer.reject });
      // Sending is part of the deadline: a QEMU that hangs does not read either.
      const whole = lines.send({ execute: command, arguments: args, id }).then(() => answer.promise);
      answer.promise.catch(() => {});
      const timeoutMs = options.timeoutMs ?? 10_000;
      try {
        return await within(
          Promise.race([whole, answer.promise]),
          timeoutMs,
          () => new QmpTimeoutError(`${command} was not answered within ${timeoutMs} ms`),
          options.signal,
        );
      } catch (error) {
        // The write fails first when QEMU dies; why the connection ended says more.
        throw error instanceof QmpClosedError ? over ?? error : error;
      } finally {
        pending.delete(id); // An answer that comes later has no one waiting and is dropped.
      }
    },
    events(names?: readonly string[]): EventQueue<QmpEvent> {
      const queue = eventQueue<QmpEvent>((done) => queues.delete(done));
      if (over) queue.end();
      else queues.set(queue, names);
      return queue;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      over ??= new QmpClosedError(`The connection on ${path} was closed by pim`);
      lines[Symbol.dispose]();
      await closed;
    },
  };
  return { greeting: greeting.promise, client };
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
