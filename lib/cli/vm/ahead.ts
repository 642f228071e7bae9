import { userPaths } from "../../paths.ts";
import { openAhead, type OpenChannel } from "../../vm/guest/agent_channel.ts";
import { type VmDirs, vmDirs } from "../../vm/places.ts";
import type { PimContext } from "../context.ts";

/** What is found out while a command on a guest agent is loaded. */
export interface Ahead {
  readonly dirs: VmDirs;
  readonly channel: OpenChannel;
}

/** A command on a VM's guest agent, which is being opened when the command begins. */
export type AgentCommand<FLAGS, WORDS extends string[]> = (
  this: PimContext,
  ahead: Ahead,
  flags: FLAGS,
  ...words: WORDS
) => Promise<void>;

/** A command that opens the guest agent's channel before it loads what it does; the VM is the first word. */
export function openingAhead<FLAGS, WORDS extends string[]>(
  load: () => Promise<AgentCommand<FLAGS, WORDS>>,
): (this: PimContext, flags: FLAGS, ...words: WORDS) => Promise<void> {
  return async function (flags, ...words) {
    const dirs = await vmDirs(userPaths(this.env));
    await using channel = await openAhead(dirs.runtimeDir, words[0] ?? "");
    const command = await load();
    return await command.call(this, { dirs, channel }, flags, ...words);
  };
}
