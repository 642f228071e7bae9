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
  /** Runs a command and returns what it returned; one at a time, others wait for their turn. */
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
  const lines = await openJsonLines(path, { maxBytes: options.maxLineBytes });
  const { client, synchronize } = openSession(lines, path);
  try {
    await synchronize(options.timeoutMs ?? 10_000, options.signal);
    return client;
  } catch (error) {
    await client[Symbol.asyncDispose]();
    throw error;
  }
}

function openSession(lines: JsonLines, path: string): {
  client: AgentClient;
  synchronize(timeoutMs: number, signal?: AbortSignal): Promise<void>;
} {
  let over: QmpError | undefined;
  let onIncoming: ((incoming: Incoming) => void) | undefined;
  let onClosed: ((reason: QmpError) => void) | undefined;
  let inStep = false;
  let turn: Promise<unknown> = Promise.resolve();

  async function readAll(): Promise<QmpError> {
    let reason: QmpError = new QmpClosedError(
      `The connection on ${path} was closed: is the VM still running?`,
    );
    try {
      // What comes while nobody waits is the late answer to a command that was given up.
      for await (const incoming of lines.incoming()) onIncoming?.(incoming);
    } catch (error) {
      reason = error as QmpError;
    }
    over ??= reason;
    lines[Symbol.dispose]();
    onClosed?.(over);
    return over;
  }
  const closed = readAll();

  /** Sends a request and waits until `take` has found the answer in what comes in. */
  async function ask<T>(
    request: JsonObject,
    take: (incoming: Incoming, resolve: (value: T) => void, reject: (error: QmpError) => void) => void,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    flushFirst = false,
  ): Promise<T> {
    if (over) throw over;
    const answer = Promise.withResolvers<T>();
    answer.promise.catch(() => {});
    onIncoming = (incoming) => take(incoming, answer.resolve, answer.reject);
    onClosed = answer.reject;
    try {
      const late = () =>
        new QmpTimeoutError(`The guest agent did not answer ${request.execute} within ${timeoutMs} ms`, {
          hint: agentHint,
        });
      const sent = lines.send(request, { flushFirst }).then(() => answer.promise);
      return await within(Promise.race([sent, answer.promise]), timeoutMs, late, signal);
    } finally {
      onIncoming = onClosed = undefined;
    }
  }

  async function synchronize(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    // Asked again now and then: what is sent before the guest's end is open may be lost.
    for (let attemptMs = 1000;; attemptMs = Math.min(attemptMs * 2, 8000)) {
      const id = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
      const waitMs = Math.max(1, Math.min(attemptMs, deadline - Date.now()));
      try {
        await ask<void>(syncRequest(id), syncAnswer(id), waitMs, signal, true);
        inStep = true;
        return;
      } catch (error) {
        if (!(error instanceof QmpTimeoutError)) throw error;
        if (Date.now() < deadline) continue;
        throw new QmpTimeoutError(`The guest agent did not answer within ${timeoutMs} ms`, {
          hint: agentHint,
        });
      }
    }
  }

  async function execute(command: string, args: JsonObject, options: ExecuteOptions): Promise<unknown> {
    const timeoutMs = options.timeoutMs ?? 10_000;
    if (!inStep) await synchronize(timeoutMs, options.signal);
    // The agent does not number its answers, so after one that never came the stream has to be brought in step again.
    inStep = false;
    const request = { execute: command, arguments: args };
    const result = await ask<JsonObject>(request, takeObject, timeoutMs, options.signal);
    inStep = true;
    const failure = v.safeParse(errorSchema, result);
    if (!failure.success) return result.return;
    const { class: errorClass, desc } = failure.output.error;
    throw new QmpCommandError(command, errorClass, desc);
  }

  const client: AgentClient = {
    closed,
    execute(command, args = {}, options = {}) {
      const result = turn.then(() => execute(command, args, options));
      turn = result.catch(() => {});
      return result;
    },
    async [Symbol.asyncDispose]() {
      over ??= new QmpClosedError(`The connection on ${path} was closed by pim`);
      lines[Symbol.dispose]();
      await closed;
    },
  };
  return { client, synchronize };
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
