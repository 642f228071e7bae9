import type { AgentClient } from "../../qemu/agent.ts";
import { type AgentTalkOptions, withAgent } from "../monitor.ts";
import type { VmDirs } from "../places.ts";
import { inspectVm, isRunning, type RunningVm } from "../vms.ts";

/** A guest that can be talked to through its agent, wherever its machine runs. */
export interface Guest {
  /** Of its machine, for messages. */
  readonly name: string;
  /** Works with its agent. Throws when that does not answer within `timeoutMs`. */
  withAgent<T>(work: (agent: AgentClient) => Promise<T>, options?: AgentTalkOptions): Promise<T>;
  /** Whether its machine still runs. */
  isRunning(): Promise<boolean>;
}

/** The guest of a VM of this host. */
export function guestOf(dirs: VmDirs, vm: RunningVm): Guest {
  return {
    name: vm.name,
    withAgent: (work, options) => withAgent(dirs, vm, work, options),
    isRunning: async () => isRunning(await inspectVm(dirs, vm.name)),
  };
}
