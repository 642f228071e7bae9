import * as v from "valibot";
import type { AgentClient } from "./agent.ts";
import { askAgent } from "./agent_answer.ts";
import { QmpProtocolError } from "./qmp_error.ts";

/** A program that the guest agent is to run, as root or whoever the agent runs as. */
export interface GuestProgram {
  /** A path, or a name that the agent looks up in its PATH; then the arguments. */
  readonly argv: readonly string[];
  /** Its standard input, at most {@linkcode maxStdinBytes}; empty when left out. */
  readonly stdin?: Uint8Array;
}

/** How a program in the guest ended. */
export interface GuestExit {
  /** Its exit status; undefined when a signal ended it. */
  readonly code: number | undefined;
  /** Number of the signal that ended it. */
  readonly signal: number | undefined;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** Which of the two the agent cut off: it keeps the first 16 MiB of each. */
  readonly truncated: readonly ("stdout" | "stderr")[];
}

/** The longest input of a program: all of it goes into one request, and agents refuse those of 64 MiB. */
export const maxStdinBytes = 32 * 1024 * 1024;

// How slowly an agent may read or prepare its answer: under emulation 32 MiB of input took 11 s.
const startTimeoutMs = 20_000;
const statusTimeoutMs = 60_000;

/** Starts a program and returns its process id in the guest (qemu-ga: guest-exec). */
export async function startProgram(agent: AgentClient, program: GuestProgram): Promise<number> {
  const { argv: [path, ...arg], stdin } = program;
  const request = {
    path,
    arg,
    "capture-output": true,
    ...(stdin !== undefined && stdin.length > 0 && { "input-data": stdin.toBase64() }),
  };
  // Without a signal: once it is sent, only the answer tells which process would have to be ended.
  const { pid } = await askAgent(agent, "guest-exec", request, v.object({ pid: v.number() }), {
    timeoutMs: startTimeoutMs,
  });
  return pid;
}

const statusSchema = v.object({
  exited: v.boolean(),
  exitcode: v.optional(v.number()),
  signal: v.optional(v.number()),
  "out-data": v.optional(v.string(), ""),
  "err-data": v.optional(v.string(), ""),
  "out-truncated": v.optional(v.boolean(), false),
  "err-truncated": v.optional(v.boolean(), false),
});

/**
 * How a program of {@linkcode startProgram} ended, or undefined while it runs or something else holds its output open.
 * The agent tells the end once and forgets the program with it.
 */
export async function programExit(
  agent: AgentClient,
  pid: number,
  signal?: AbortSignal,
): Promise<GuestExit | undefined> {
  const status = await askAgent(agent, "guest-exec-status", { pid }, statusSchema, {
    timeoutMs: statusTimeoutMs,
    signal,
  });
  if (!status.exited) return undefined;
  return {
    code: status.exitcode,
    signal: status.signal,
    stdout: decode(status["out-data"]),
    stderr: decode(status["err-data"]),
    truncated: [
      ...(status["out-truncated"] ? ["stdout" as const] : []),
      ...(status["err-truncated"] ? ["stderr" as const] : []),
    ],
  };
}

function decode(base64: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(base64);
  } catch (cause) {
    throw new QmpProtocolError("The guest agent's answer to guest-exec-status holds no base64", { cause });
  }
}
