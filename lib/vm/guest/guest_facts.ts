import {
  guestHostName,
  type GuestOs,
  guestOs,
  type GuestUser,
  guestUsers,
} from "../../qemu/agent_commands.ts";
import { QmpCommandError } from "../../qemu/qmp_error.ts";
import { explainRefusal } from "./agent_refusal.ts";
import { type AgentTalkOptions, withAgent } from "../monitor.ts";
import type { VmDirs } from "../places.ts";
import type { RunningVm } from "../vms.ts";

/** What a guest says of itself. */
export interface GuestFacts extends GuestOs {
  readonly hostName?: string;
  /** Who is logged in; undefined when the agent does not tell. */
  readonly users?: readonly GuestUser[];
}

/** Asks a guest's agent for its system, name and users. */
export async function guestFacts(
  dirs: VmDirs,
  vm: RunningVm,
  options: AgentTalkOptions,
): Promise<GuestFacts> {
  return await withAgent(dirs, vm, async (agent) => {
    const os = await guestOs(agent, options).catch((error) => {
      throw explainRefusal(error, vm.name);
    });
    return {
      ...os,
      hostName: await unlessRefused(guestHostName(agent, options)),
      users: await unlessRefused(guestUsers(agent, options)),
    };
  }, options);
}

async function unlessRefused<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof QmpCommandError) return undefined;
    throw error;
  }
}
