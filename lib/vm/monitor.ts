import { PimError } from "../errors.ts";
import { type AgentClient, connectAgent } from "../qemu/agent.ts";
import { connectQmp, type QmpClient } from "../qemu/qmp.ts";
import { isSilence, QmpClosedError, QmpTimeoutError } from "../qemu/qmp_error.ts";
import { lockAgent, type OpenChannel } from "./guest/agent_channel.ts";
import { pause, seconds } from "./pause.ts";
import type { VmDirs } from "./places.ts";
import { askRunState } from "./run_state.ts";
import type { RunningVm } from "./vms.ts";

/** Limits of a talk with QEMU or the guest agent. */
export interface TalkOptions {
  /** Until the other end answers at all. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Limits of a talk with the guest agent. */
export interface AgentTalkOptions extends TalkOptions {
  /** How long other pims may keep the agent to themselves; as `timeoutMs` when left out. */
  readonly turnMs?: number;
  /** Used for the first talk with this VM. */
  readonly channel?: OpenChannel;
}

/** Works with a VM's QMP monitor, which serves one program at a time: others wait for their turn. */
export async function withMonitor<T>(
  vm: RunningVm,
  work: (qmp: QmpClient) => Promise<T>,
  options: TalkOptions = {},
): Promise<T> {
  const { timeoutMs = 5000, signal } = options;
  try {
    await using qmp = await connectQmp(vm.files.qmp, { timeoutMs, signal });
    return await work(qmp);
  } catch (cause) {
    if (!isSilence(cause)) throw cause;
    throw new PimError(`QEMU of ${vm.name} (pid ${vm.pid}) cannot be talked to: ${cause.message}`, {
      cause,
      hint: cause.hint ?? `See what is left of it with: pim ps -a; end it with: pim stop --force ${vm.name}`,
    });
  }
}

/**
 * Works with a VM's guest agent, one pim at a time. Throws when no agent answers within `timeoutMs` (default 5000),
 * saying what was tried. Who waits for one takes turns with others.
 */
export async function withAgent<T>(
  dirs: VmDirs,
  vm: RunningVm,
  work: (agent: AgentClient) => Promise<T>,
  options: AgentTalkOptions = {},
): Promise<T> {
  const { timeoutMs = 5000, turnMs = timeoutMs, signal } = options;
  for (let leftMs = timeoutMs;; leftMs -= longestTryMs) {
    const tryMs = Math.min(leftMs, longestTryMs);
    const talk = await talkOnce(dirs, vm, work, { ...options, turnMs, timeoutMs: tryMs });
    if ("result" in talk) return talk.result;
    const { missing } = talk;
    if (missing instanceof QmpClosedError || tryMs === leftMs) {
      throw new AgentMissingError(vm, timeoutMs, missing, await stateUnlessRunning(vm));
    }
    await pause(betweenTriesMs, signal);
  }
}

const longestTryMs = 2500;
// Long enough for who waits for the lock to see that it is free.
const betweenTriesMs = 60;

async function talkOnce<T>(
  { runtimeDir }: VmDirs,
  vm: RunningVm,
  work: (agent: AgentClient) => Promise<T>,
  options: AgentTalkOptions & { readonly turnMs: number },
): Promise<{ readonly result: T } | { readonly missing: QmpTimeoutError | QmpClosedError }> {
  const { timeoutMs, turnMs, signal } = options;
  const opened = options.channel?.take(vm.name);
  await using _lock = opened?.lock ?? await lockAgent(runtimeDir, vm.name, turnMs, signal);
  let connected: AgentClient;
  try {
    connected = await connectAgent(vm.files.agent, { timeoutMs, signal, conn: opened?.conn });
  } catch (error) {
    if (isSilence(error)) return { missing: error };
    throw error;
  }
  await using agent = connected;
  return { result: await work(agent) };
}

/** The guest agent of a VM does not answer. */
export class AgentMissingError extends PimError {
  override readonly name = "AgentMissingError";

  /** @param state what QEMU says of a machine whose CPUs stand still */
  constructor(vm: RunningVm, timeoutMs: number, cause: QmpTimeoutError | QmpClosedError, state?: string) {
    const how = cause instanceof QmpTimeoutError
      ? `it was asked on ${vm.files.agent} and did not answer within ${seconds(timeoutMs)}`
      : cause.message;
    super(`The guest agent of ${vm.name} cannot be reached: ${how}`, {
      cause,
      hint: state === undefined
        ? `The guest may still be starting (pim log ${vm.name}), or has no qemu-guest-agent installed and running.`
        : `The VM stands still (${state}). Let it go on: pim qmp ${vm.name} cont`,
    });
  }
}

/** What QEMU says of a machine whose CPUs stand still; only an explanation, so it need not be known. */
async function stateUnlessRunning(vm: RunningVm): Promise<string | undefined> {
  const state = await askRunState(vm, 500);
  return state === "running" || state === "not answering" ? undefined : state;
}
