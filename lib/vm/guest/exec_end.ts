import { type ExitCode, messageOf, PimError } from "../../errors.ts";
import type { AgentClient } from "../../qemu/agent.ts";
import { type GuestExit, programExit, startProgram } from "../../qemu/agent_exec.ts";
import { QmpCommandError } from "../../qemu/qmp_error.ts";
import type { Guest } from "./guest.ts";
import { pause } from "../pause.ts";

// $1 and all below it, as Ctrl-C on a terminal would reach them; the agent itself knows no way to end what it started.
const signalTree = `
all() {
  echo "$1"
  for child in $(cat "/proc/$1/task/"*/children 2>/dev/null); do all "$child"; done
}
kill -s "$2" $(all "$1") 2>/dev/null`;

/**
 * Ends a program of the guest and what it started: with SIGTERM, and SIGKILL where that is not heeded. Returns how it
 * ended, or undefined when the agent had forgotten it. Throws, with this exit code, when it goes on running.
 */
export async function endProgram(
  guest: Guest,
  pid: number,
  exitCode: ExitCode,
): Promise<GuestExit | undefined> {
  try {
    return await guest.withAgent(async (agent) => {
      for (const [name, graceMs] of [["TERM", 0], ["TERM", 3000], ["KILL", 3000]] as const) {
        // Looked at before the first signal too: another process may have the id of one that has ended.
        if (graceMs > 0) await sendSignal(agent, pid, name);
        const exit = await awaitExit(agent, pid, graceMs);
        if (exit !== undefined) return exit;
      }
      throw new PimError("it does not heed SIGKILL, or what it started holds its output open");
    });
  } catch (cause) {
    if (cause instanceof QmpCommandError && cause.command === "guest-exec-status") return undefined;
    throw new PimError(`Process ${pid} of the guest ${guest.name} could not be ended: ${messageOf(cause)}`, {
      cause,
      exitCode,
    });
  }
}

async function sendSignal(agent: AgentClient, pid: number, name: string): Promise<void> {
  const killer = await startProgram(agent, { argv: ["/bin/sh", "-c", signalTree, "sh", `${pid}`, name] });
  await awaitExit(agent, killer, 2000);
}

async function awaitExit(agent: AgentClient, pid: number, graceMs: number): Promise<GuestExit | undefined> {
  const endMs = performance.now() + graceMs;
  for (let pauseMs = 5;; pauseMs = Math.min(pauseMs * 2, 200)) {
    const exit = await programExit(agent, pid);
    if (exit !== undefined || performance.now() > endMs) return exit;
    await pause(pauseMs);
  }
}
