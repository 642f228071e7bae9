import { exitCode, messageOf, PimError } from "../errors.ts";
import type { AgentClient } from "../qemu/agent.ts";
import { guestInterfaces } from "../qemu/agent_commands.ts";
import { QmpClosedError, QmpTimeoutError } from "../qemu/qmp_error.ts";
import type { Guest } from "../vm/guest/guest.ts";
import { reachableAddress } from "../vm/guest/guest_address.ts";
import { pause, seconds } from "../vm/pause.ts";
import type { Answered, Machine } from "./machine.ts";

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
  const guest = guestOfInstance(instance);
  const { startedMs } = instance;
  return {
    ...{ guest, startedMs, sshPort: undefined },
    async observe({ timeoutMs, signal }) {
      return { agent: await firstAnswer(instance, { timeoutMs, signal }), ssh: { untried } };
    },
    guestAddress: async (signal) =>
      await guest.withAgent(
        async (agent) => reachableAddress(await guestInterfaces(agent, { signal })),
        { signal },
      ),
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
      if (!answers) await untilAnswers(name, agent, { timeoutMs, signal });
      answers = true;
      try {
        return await work(agent);
      } catch (error) {
        if (isSilence(error)) answers = false;
        throw error;
      }
    },
  };
}

interface Wait {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called after each try that brought nothing; what it throws ends the waiting. */
  readonly onSilence?: () => Promise<void>;
}

async function untilAnswers(name: string, agent: AgentClient, wait: Wait): Promise<void> {
  const { timeoutMs, signal, onSilence } = wait;
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = Math.max(1, endMs - performance.now());
    try {
      await agent.execute("guest-ping", {}, { timeoutMs: Math.min(leftMs, longestTryMs), signal });
      return;
    } catch (cause) {
      if (!isSilence(cause)) throw cause;
      if (performance.now() + betweenTriesMs > endMs) {
        throw new PimError(`The guest agent of ${name} did not answer within ${seconds(timeoutMs)}`, {
          cause,
          exitCode: exitCode.timeout,
        });
      }
    }
    await onSilence?.();
    await pause(betweenTriesMs, signal);
  }
}

const longestTryMs = 5000;
const betweenTriesMs = 500;

function isSilence(error: unknown): boolean {
  return error instanceof QmpClosedError || error instanceof QmpTimeoutError;
}

async function firstAnswer(instance: Instance, wait: Wait): Promise<Answered> {
  const { name, agent, startedMs } = instance;
  let ended = false;
  const onSilence = async () => {
    if (await instance.isRunning()) return;
    ended = true;
    throw new PimError("the machine ended by itself");
  };
  try {
    await untilAnswers(name, agent, { ...wait, onSilence });
    return { afterMs: performance.now() - startedMs };
  } catch (error) {
    if (ended) return { missing: messageOf(error) };
    // What the target itself says no to is not the image's fault.
    if (!(error instanceof PimError) || error.exitCode !== exitCode.timeout) throw error;
    return { missing: `no answer within ${wait.timeoutMs / 1000} s` };
  }
}
