import * as v from "valibot";
import { type Incoming, type JsonLines, type JsonObject, openJsonLines } from "./json_lines.ts";
import type { ConnectOptions, ExecuteOptions } from "./qmp.ts";
import {
  QmpClosedError,
  QmpCommandError,
  type QmpError,
  QmpProtocolError,
  QmpTimeoutError,
  within,
} from "./qmp_error.ts";

/** A connection to the guest agent inside a VM (QEMU docs: interop/qemu-ga-ref). */
export interface AgentClient extends AsyncDisposable {
  /**
   * Runs a command and returns what it returned; one at a time, others wait for their turn. Where much is sent or
   * answered, the deadline is later by a second for each 256 KiB on the way.
   */
  execute(command: string, args?: JsonObject, options?: ExecuteOptions): Promise<unknown>;
  /** Settles when the connection is closed, with the reason. */
  readonly closed: Promise<QmpError>;
}

const errorSchema = v.object({
  error: v.object({ class: v.optional(v.string(), "GenericError"), desc: v.string() }),
});
const agentHint = "Is qemu-guest-agent installed and running in the guest?";

/**
 * Connects to a guest agent's socket and waits until the agent answers, at most `timeoutMs` (default 10 000).
 * The socket is QEMU's and is there long before the guest's service opens its end.
 */
export async function connectAgent(path: string, options: ConnectOptions = {}): Promise<AgentClient> {
  const session: Session = {
    path,
    lines: await openJsonLines(path, { ...options, maxBytes: options.maxLineBytes }),
    inStep: false,
  };
  const closed = readAll(session);
  let turn: Promise<unknown> = Promise.resolve();
  const client: AgentClient = {
    closed,
    execute(command, args = {}, options = {}) {
      const result = turn.then(() => execute(session, command, args, options));
      turn = result.catch(() => {});
      return result;
    },
    async [Symbol.asyncDispose]() {
      session.over ??= new QmpClosedError(`The connection on ${path} was closed by pim`);
      session.lines[Symbol.dispose]();
      await closed;
    },
  };
  try {
    await synchronize(session, options.timeoutMs ?? 10_000, options.signal);
    return client;
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

interface Session {
  readonly path: string;
  readonly lines: JsonLines;
  /** The request that waits for its answer; the agent takes one at a time. */
  waiting?: { take(incoming: Incoming): void; reject(reason: QmpError): void };
  /** Whether the next answer that comes in belongs to the next request. */
  inStep: boolean;
  /** Why the connection is closed, once it is. */
  over?: QmpError;
}

async function readAll(session: Session): Promise<QmpError> {
  let reason: QmpError = new QmpClosedError(
    `The connection on ${session.path} was closed: is the VM still running?`,
  );
  try {
    // What comes while nobody waits is the late answer to a command that was given up.
    for await (const incoming of session.lines.incoming()) session.waiting?.take(incoming);
  } catch (error) {
    reason = error as QmpError;
  }
  session.over ??= reason;
  session.lines[Symbol.dispose]();
  session.waiting?.reject(session.over);
  return session.over;
}

// Megabytes take seconds: an emulated guest was seen to read 3 MiB in each. Whoever is much slower is stuck.
const slowestBytesPerMs = 256;
const longestExtraMs = 180_000;

type Take<T> = (incoming: Incoming, resolve: (value: T) => void, reject: (error: QmpError) => void) => void;

/** Sends a request and waits until `take` has found the answer in what comes in; longer when that may be `bulky`. */
async function ask<T>(
  session: Session,
  request: JsonObject,
  take: Take<T>,
  options: { timeoutMs: number; signal?: AbortSignal; flushFirst?: boolean; bulky?: boolean },
): Promise<T> {
  if (session.over) throw session.over;
  const { timeoutMs, signal, flushFirst, bulky = false } = options;
  const answer = Promise.withResolvers<T>();
  session.waiting = {
    take: (incoming) => take(incoming, answer.resolve, answer.reject),
    reject: answer.reject,
  };
  const late = () =>
    new QmpTimeoutError(`The guest agent did not answer ${request.execute} within ${timeoutMs} ms`, {
      hint: agentHint,
    });
  const movedBefore = session.lines.moved();
  const extraMs = () =>
    bulky ? Math.min(longestExtraMs, (session.lines.moved() - movedBefore) / slowestBytesPerMs) : 0;
  const sent = session.lines.send(request, { flushFirst }).then(() => answer.promise);
  try {
    return await within(Promise.race([sent, answer.promise]), timeoutMs, late, signal, extraMs);
  } finally {
    session.waiting = undefined;
  }
}

async function synchronize(session: Session, timeoutMs: number, signal?: AbortSignal): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  // Asked again now and then: what is sent before the guest's end is open may be lost.
  for (let attemptMs = 1000;; attemptMs = Math.min(attemptMs * 2, 8000)) {
    const id = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const waitMs = Math.max(1, Math.min(attemptMs, deadline - Date.now()));
    try {
      await ask<void>(session, syncRequest(id), syncAnswer(id), {
        timeoutMs: waitMs,
        signal,
        flushFirst: true,
      });
      session.inStep = true;
      return;
    } catch (error) {
      if (!(error instanceof QmpTimeoutError)) throw error;
      if (Date.now() < deadline) continue;
      throw new QmpTimeoutError(`The guest agent did not answer within ${timeoutMs} ms`, { hint: agentHint });
    }
  }
}

async function execute(
  session: Session,
  command: string,
  args: JsonObject,
  { timeoutMs = 10_000, signal }: ExecuteOptions,
): Promise<unknown> {
  if (!session.inStep) await synchronize(session, timeoutMs, signal);
  // The agent does not number its answers, so after one that never came the stream has to be brought in step again.
  session.inStep = false;
  const request = { execute: command, arguments: args };
  const result = await ask<JsonObject>(session, request, takeObject, { timeoutMs, signal, bulky: true });
  session.inStep = true;
  const failure = v.safeParse(errorSchema, result);
  if (!failure.success) return result.return;
  const { class: errorClass, desc } = failure.output.error;
  throw new QmpCommandError(command, errorClass, desc);
}

function syncRequest(id: number): JsonObject {
  return { execute: "guest-sync-delimited", arguments: { id } };
}

/** Accepts only the object that follows a sentinel directly and carries our number; all else is stale. */
function syncAnswer(id: number): (incoming: Incoming, resolve: () => void) => void {
  let afterSentinel = false;
  return (incoming, resolve) => {
    if (incoming.kind === "object" && afterSentinel && incoming.value.return === id) resolve();
    afterSentinel = incoming.kind === "sentinel";
  };
}

function takeObject(
  incoming: Incoming,
  resolve: (value: JsonObject) => void,
  reject: (error: QmpError) => void,
): void {
  if (incoming.kind === "garbage") {
    reject(new QmpProtocolError(`The guest agent sent no JSON: ${incoming.text}`));
  }
  if (incoming.kind !== "object") return;
  if ("return" in incoming.value || "error" in incoming.value) resolve(incoming.value);
  else reject(new QmpProtocolError(`The guest agent sent neither answer nor error`));
}
