import type { AgentClient } from "./agent.ts";
import type { JsonObject } from "./json_lines.ts";
import type { ExecuteOptions } from "./qmp.ts";

/** Has a guest agent run a command, and returns what that returned. */
export type Relay = (command: string, args: JsonObject, options: ExecuteOptions) => Promise<unknown>;

/**
 * A guest agent that somebody else talks to for us (libvirt, Proxmox VE), one command after the other. The relay throws
 * QmpCommandError for what the agent refuses, and QmpClosedError or QmpTimeoutError while there is none.
 */
export function relayedAgent(relay: Relay): AgentClient {
  let turn: Promise<unknown> = Promise.resolve();
  return {
    // There is no connection that could be closed.
    closed: new Promise(() => {}),
    execute(command, args = {}, options = {}) {
      const result = turn.then(() => relay(command, args, options));
      turn = result.catch(() => {});
      return result;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
