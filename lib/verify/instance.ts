import { exitCode } from "../errors.ts";
import type { AgentClient } from "../qemu/agent.ts";
import { isSilence, QmpTimeoutError } from "../qemu/qmp_error.ts";
import type { Guest } from "../vm/guest/guest.ts";
import { pause, seconds } from "../vm/pause.ts";
import type { Answered, Machine, ObserveOptions } from "./machine.ts";
import { agentShell } from "./root_shell.ts";

/** A machine that somebody else runs, of which pim has but the guest agent; disposing of it removes it. */
export interface Instance extends AsyncDisposable {
  /** What it is called there. */
  readonly name: string;
  /** When it was started, of performance.now(). */
  readonly startedMs: number;
  /** Its guest agent: while that does not answer, commands throw QmpClosedError or QmpTimeoutError. */
  readonly agent: AgentClient;
  isRunning(): Promise<boolean>;
}

const untried = "an instance at a target is asked through its guest agent alone";

/** An instance at a target, as checks see it. */
export function instanceMachine(instance: Instance): Machine {
  const { startedMs } = instance;
  return {
    ...{ root: agentShell(guestOfInstance(instance)), startedMs, ssh: undefined },
    observe: async (options) => ({ agent: await firstAnswer(instance, options), ssh: { untried } }),
    [Symbol.asyncDispose]: () => instance[Symbol.asyncDispose](),
  };
}

function guestOfInstance(instance: Instance): Guest {
  const { name, agent } = instance;
  // One that has answered is not asked whether it is there before every command: each may be a long way.
  let answers = false;
  return {
    name,
    isRunning: () => instance.isRunning(),
    async withAgent(work, { timeoutMs = 5000, signal } = {}) {
      answers ||= await answersWithin(agent, { timeoutMs, signal });
      if (!answers) {
        throw new QmpTimeoutError(`The guest agent of ${name} did not answer within ${seconds(timeoutMs)}`, {
          exitCode: exitCode.timeout,
        });
      }
      try {
        return await work(agent);
      } catch (error) {
        if (isSilence(error)) answers = false;
        throw error;
      }
    },
  };
}

async function firstAnswer(
  { agent, startedMs, isRunning }: Instance,
  { timeoutMs, signal }: ObserveOptions,
): Promise<Answered> {
  let ended = false;
  const giveUp = async () => ended = !(await isRunning());
  if (await answersWithin(agent, { timeoutMs, signal, giveUp })) {
    return { afterMs: performance.now() - startedMs };
  }
  return { missing: ended ? "the machine ended by itself" : `no answer within ${timeoutMs / 1000} s` };
}

const longestTryMs = 5000;
const betweenTriesMs = 500;

/** Whether an agent answers in time; throws what keeps it from being asked. `giveUp` is looked at after each try. */
async function answersWithin(
  agent: AgentClient,
  { timeoutMs, signal, giveUp }: {
    readonly timeoutMs: number;
    readonly signal?: AbortSignal | undefined;
    readonly giveUp?: () => Promise<boolean>;
  },
): Promise<boolean> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, endMs - performance.now());
    try {
      await agent.execute("guest-ping", {}, { timeoutMs: Math.min(leftMs, longestTryMs), signal });
      return true;
    } catch (error) {
      if (!isSilence(error)) throw error;
    }
    if (await giveUp?.() || performance.now() + betweenTriesMs > endMs) return false;
    await pause(betweenTriesMs, signal);
  }
}
