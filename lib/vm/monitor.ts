import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, PimError } from "../errors.ts";
import { tryLockFile } from "../files.ts";
import { runtimeLock } from "../paths.ts";
import { type AgentClient, connectAgent } from "../qemu/agent.ts";
import { connectQmp, type QmpClient } from "../qemu/qmp.ts";
import { QmpClosedError, QmpTimeoutError } from "../qemu/qmp_error.ts";
import type { VmDirs } from "./places.ts";
import type { RunningVm } from "./vms.ts";

/** Limits of a talk with QEMU or the guest agent. */
export interface TalkOptions {
  /** Until the other end answers at all. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
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
    if (!(cause instanceof QmpTimeoutError || cause instanceof QmpClosedError)) throw cause;
    throw new PimError(`QEMU of ${vm.name} (pid ${vm.pid}) cannot be talked to: ${cause.message}`, {
      cause,
      hint: cause.hint ?? `See what is left of it with: pim ps -a; end it with: pim stop --force ${vm.name}`,
    });
  }
}

/**
 * Works with a VM's guest agent. Its channel serves one program at a time and would mix up the answers of two, so a
 * lock keeps other pims off. Throws within `timeoutMs` (default 5000), saying what was tried, when no agent answers.
 */
export async function withAgent<T>(
  places: VmDirs,
  vm: RunningVm,
  work: (agent: AgentClient) => Promise<T>,
  options: TalkOptions = {},
): Promise<T> {
  const { timeoutMs = 5000, signal } = options;
  const endMs = performance.now() + timeoutMs;
  await using _lock = await lockAgent(places, vm, endMs, options);
  const leftMs = Math.max(1000, endMs - performance.now());
  await using agent = await connectAgent(vm.files.agent, { timeoutMs: leftMs, signal }).catch((cause) => {
    if (!(cause instanceof QmpTimeoutError || cause instanceof QmpClosedError)) throw cause;
    throw new AgentMissingError(vm, timeoutMs, cause);
  });
  return await work(agent);
}

/** The guest agent of a VM does not answer. */
export class AgentMissingError extends PimError {
  override readonly name = "AgentMissingError";

  constructor(vm: RunningVm, timeoutMs: number, cause: QmpTimeoutError | QmpClosedError) {
    const how = cause instanceof QmpTimeoutError
      ? `it was asked on ${vm.files.agent} and did not answer within ${timeoutMs / 1000} s`
      : cause.message;
    super(`The guest agent of ${vm.name} cannot be reached: ${how}`, {
      cause,
      hint:
        `The guest may still be starting (pim log ${vm.name}), or has no qemu-guest-agent installed and running.`,
    });
  }
}

async function lockAgent(
  { runtimeDir }: VmDirs,
  vm: RunningVm,
  endMs: number,
  { signal, timeoutMs = 5000 }: TalkOptions,
): Promise<AsyncDisposable> {
  for (;;) {
    const lock = await tryLockFile(runtimeLock(runtimeDir, "agent", vm.name));
    if (lock !== undefined) return lock;
    if (performance.now() > endMs) {
      throw new PimError(
        `Another pim talks to the guest agent of ${vm.name}, and was not done within ${timeoutMs / 1000} s`,
      );
    }
    await sleep(20, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}
