import { setTimeout as sleep } from "node:timers/promises";
import { connectAgent } from "../../qemu/agent.ts";
import { guestInterfaces } from "../../qemu/agent_commands.ts";
import type { Evidence } from "./evidence.ts";
import type { Watch } from "./watch.ts";

type AgentEvidence = NonNullable<Evidence["agent"]>;

const intervalMs = 4000;
// A guest that is up answers in a tenth of a second, an emulated one too.
const answerMs = 1500;

/** Asks the guest agent now and then whether it is there, and what addresses the guest has; disposing of it ends that. */
export function watchAgent(watch: Watch, socket: string, signal: AbortSignal): AsyncDisposable {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const asking = (async () => {
    for (;;) {
      await sleep(intervalMs, undefined, { signal: both }).catch(() => {});
      if (both.aborted) return;
      const before = watch.evidence().agent;
      const agent = await isAgentThere(socket, both);
      if (both.aborted) return;
      const news = agent.answers && before?.answers !== true ||
        before?.addresses.length !== agent.addresses.length;
      watch.see({ agent }, news && agent.answers ? "progress" : "no progress");
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await asking;
    },
  };
}

/** Whether the guest agent answers, and the addresses by which the guest could be reached. */
export async function isAgentThere(socket: string, signal: AbortSignal): Promise<AgentEvidence> {
  try {
    await using agent = await connectAgent(socket, { timeoutMs: answerMs, signal });
    const interfaces = await guestInterfaces(agent, { timeoutMs: answerMs, signal });
    const addresses = interfaces.flatMap((each) => each.addresses)
      // The forwarded port leads to the IPv4 address that DHCP gave. RFC 3927: what a guest gives itself without DHCP.
      .filter(({ address, family }) => family === "ipv4" && !/^(127|169\.254)\./.test(address))
      .map(({ address }) => address);
    return { answers: true, addresses };
  } catch {
    return { answers: false, addresses: [] };
  }
}
