import { exitCode, PimError } from "../../errors.ts";
import type { AgentClient } from "../../qemu/agent.ts";
import { type GuestExit, type GuestProgram, programExit, startProgram } from "../../qemu/agent_exec.ts";
import { QmpClosedError, QmpCommandError } from "../../qemu/qmp_error.ts";
import { AgentBusyError } from "./agent_channel.ts";
import { explainRefusal } from "./agent_refusal.ts";
import { endProgram } from "./exec_end.ts";
import type { Guest } from "./guest.ts";
import { pause } from "../pause.ts";

/** Limits of a program in a guest. */
export interface ExecLimits {
  /** Until the agent answers at all; default 5000. */
  readonly agentTimeoutMs?: number;
  /** Until the program has ended; it is ended when it takes longer. No limit when left out. */
  readonly timeoutMs?: number;
  /** Ends the program when aborted. */
  readonly signal: AbortSignal;
}

/** How a program in a guest ended, and by whom. */
export interface ExecResult {
  readonly endedBy: "itself" | "timeout" | "cancel";
  /** Undefined when the agent could not tell any more after the program was ended. */
  readonly exit: GuestExit | undefined;
}

/** A program that the guest does not have or cannot start; `status` is what a shell exits with then. */
export class ProgramMissingError extends PimError {
  override readonly name = "ProgramMissingError";

  constructor(message: string, readonly status: 126 | 127, cause: unknown) {
    super(message, { cause });
  }
}

// A quick program is seen to its end over one connection; while a longer one runs, others may have the agent.
const holdMs = 500;
// There may be a queue of such programs, and one of them may be taking a big answer.
const turnMs = 60_000;
// An agent that answered before may be restarting with its guest.
const pollTimeoutMs = 60_000;

/**
 * Runs a program in a guest through its agent, without any network, and waits for its end. Any exit status is a result,
 * no error. One that takes too long, or whose pim is cancelled, is ended in the guest.
 */
export async function execInGuest(
  guest: Guest,
  program: GuestProgram,
  limits: ExecLimits,
): Promise<ExecResult> {
  const { signal, timeoutMs, agentTimeoutMs } = limits;
  const late = timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)];
  const stop = AbortSignal.any([signal, ...late]);
  let running: Running | undefined;
  try {
    const quick = await guest.withAgent(async (agent) => {
      running = { guest, program, pid: await start(agent, guest, program), stop };
      return await pollFor(agent, running, holdMs);
    }, { timeoutMs: agentTimeoutMs, turnMs, signal });
    return { endedBy: "itself", exit: quick ?? await pollNowAndThen(running as Running) };
  } catch (error) {
    if (running === undefined) throw error;
    if (!stop.aborted) throw await lost(running, error);
    const endedBy = signal.aborted ? "cancel" : "timeout";
    const code = signal.aborted ? exitCode.cancelled : exitCode.timeout;
    return { endedBy, exit: await endProgram(guest, running.pid, code) };
  }
}

interface Running {
  readonly guest: Guest;
  readonly program: GuestProgram;
  readonly pid: number;
  readonly stop: AbortSignal;
}

async function start(agent: AgentClient, { name }: Guest, program: GuestProgram): Promise<number> {
  try {
    return await startProgram(agent, program);
  } catch (error) {
    if (!(error instanceof QmpCommandError)) throw error;
    const [path] = program.argv;
    // The agent has but the words of the C library for it: "Failed to execute child process … (No such file …)".
    if (/No such file|not found\)/i.test(error.description)) {
      throw new ProgramMissingError(`There is no program ${path} in the guest ${name}`, 127, error);
    }
    if (/Permission denied|Exec format/i.test(error.description)) {
      throw new ProgramMissingError(`${path} in the guest ${name} is no program`, 126, error);
    }
    throw explainRefusal(error, name);
  }
}

async function pollFor(
  agent: AgentClient,
  running: Running,
  durationMs: number,
): Promise<GuestExit | undefined> {
  const endMs = performance.now() + durationMs;
  for (let pauseMs = 5; performance.now() < endMs; pauseMs = Math.min(pauseMs * 2, 100)) {
    const exit = await poll(agent, running);
    if (exit !== undefined) return exit;
    await pause(pauseMs, running.stop);
  }
  return undefined;
}

async function pollNowAndThen(running: Running): Promise<GuestExit> {
  const { guest, stop } = running;
  for (let pauseMs = 200;; pauseMs = Math.min(pauseMs * 1.5, 1000)) {
    await pause(pauseMs, stop);
    try {
      const exit = await guest.withAgent((agent) => poll(agent, running), {
        timeoutMs: pollTimeoutMs,
        signal: stop,
      });
      if (exit !== undefined) return exit;
    } catch (error) {
      if (!(error instanceof AgentBusyError)) throw error;
    }
  }
}

async function poll(agent: AgentClient, { pid, stop }: Running): Promise<GuestExit | undefined> {
  return await programExit(agent, pid, stop);
}

/** Why nothing is known any more of a program that ran. */
async function lost({ guest, pid, program }: Running, cause: unknown): Promise<unknown> {
  const what = program.argv[0];
  if (cause instanceof QmpCommandError && cause.errorClass === "GenericError") {
    return new PimError(
      `How ${what} ended is not known: the guest agent of ${guest.name} was restarted meanwhile`,
      {
        cause,
      },
    );
  }
  if (!(cause instanceof PimError)) return cause;
  if (isClosed(cause) && await hasEnded(guest)) {
    return new PimError(`The VM ${guest.name} ended while ${what} ran in it`, { cause });
  }
  const { message, hint, exitCode } = cause;
  return new PimError(`${message}; ${what} may still run in the guest, as process ${pid}`, {
    cause,
    hint,
    exitCode,
  });
}

function isClosed(error: PimError): boolean {
  return error instanceof QmpClosedError || error.cause instanceof QmpClosedError;
}

/** Whether a VM's QEMU is gone, or goes in a moment: it closes its sockets first. */
async function hasEnded(guest: Guest): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt++) {
    if (!(await guest.isRunning())) return true;
    await pause(100);
  }
  return false;
}
