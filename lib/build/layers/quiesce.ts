import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { type AgentClient, connectAgent } from "../../qemu/agent.ts";
import { freezeFilesystems, setGuestTime, thawFilesystems } from "../../qemu/agent_commands.ts";
import { QmpCommandError } from "../../qemu/qmp_error.ts";
import type { Reachable } from "../states.ts";

/** A guest whose file systems are in order on its disk; disposing of it lets it write again. */
export interface QuietGuest extends AsyncDisposable {
  /** Whether its agent answered. */
  readonly agent: boolean;
  /** Whether its file systems are frozen; else only what had been written until then is there. */
  readonly frozen: boolean;
  /** Says that the machine is stopped from now on, so that its clock is set when that took long. */
  willStop(): void;
}

// The service is up by the time that SSH lets us in, or a moment later.
const agentTimeoutMs = 5_000;
// What a script has written may all be in the guest's memory still.
const writeOutMs = 120_000;
// A guest's clock stands still while it is stopped; setting it takes an emulated guest about a second.
const tolerableMs = 2_000;

/** Brings a guest's disk in order: frozen by its agent, or at least written out over SSH where that cannot be had. */
export async function quiesce(
  { workspace, ssh }: Pick<Reachable, "workspace" | "ssh">,
  signal: AbortSignal,
): Promise<QuietGuest> {
  let agent: AgentClient;
  try {
    agent = await connectAgent(workspace.runtime.agent, { timeoutMs: agentTimeoutMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    log.debug(`No guest agent to freeze the file systems: ${messageOf(error)}`);
    return await writtenOut(ssh, false, signal);
  }
  let stoppedMs: number | undefined;
  const thaw = async () => {
    try {
      // Without the signal: a frozen guest could not even be powered off.
      await thawFilesystems(agent);
      const stoodStill = stoppedMs !== undefined && performance.now() - stoppedMs > tolerableMs;
      if (stoodStill) await setGuestTime(agent, Date.now()).catch((error) => log.debug(messageOf(error)));
    } finally {
      await agent[Symbol.asyncDispose]();
    }
  };
  try {
    await freezeFilesystems(agent, { signal, timeoutMs: writeOutMs });
  } catch (error) {
    await thaw().catch(() => {});
    // A guest may forbid it (block-rpcs in qemu-ga.conf), or a hook of its own may fail.
    if (!(error instanceof QmpCommandError)) throw error;
    log.debug(`The guest agent does not freeze the file systems: ${messageOf(error)}`);
    return await writtenOut(ssh, true, signal);
  }
  return {
    agent: true,
    frozen: true,
    willStop: () => stoppedMs = performance.now(),
    [Symbol.asyncDispose]: thaw,
  };
}

async function writtenOut(
  ssh: Reachable["ssh"],
  agent: boolean,
  signal: AbortSignal,
): Promise<QuietGuest> {
  await ssh.exec("sync", { signal, timeoutMs: writeOutMs });
  return { agent, frozen: false, willStop() {}, async [Symbol.asyncDispose]() {} };
}
