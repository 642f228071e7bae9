import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { connectAgent } from "../../qemu/agent.ts";
import { freezeFilesystems } from "../../qemu/agent_commands.ts";

// Who answers at all does so at once; most failures leave the guest as it was.
const agentTimeoutMs = 3000;
const freezeTimeoutMs = 30_000;

/**
 * Has the guest of a failed build write to its disk what it still holds in memory: half a minute of work that would be
 * missing on a disk that is kept. Without a guest agent the disk stays as it is.
 */
export async function settleDisk(agentSocket: string, signal: AbortSignal): Promise<void> {
  try {
    await using agent = await connectAgent(agentSocket, { timeoutMs: agentTimeoutMs, signal });
    // For good: the machine ends with the build.
    await freezeFilesystems(agent, { timeoutMs: freezeTimeoutMs, signal });
  } catch (error) {
    log.debug(`What the guest held in memory is not on the disk that is kept: ${messageOf(error)}`);
  }
}
