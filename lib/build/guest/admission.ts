import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { connectAgent } from "../../qemu/agent.ts";
import { addAuthorizedKeys } from "../../qemu/agent_commands.ts";
import type { KeyPair } from "../../ssh/key.ts";

// Longer than any system takes to start; logging in has a deadline of its own.
const timeoutMs = 3_600_000;

/**
 * Lets the guest's agent, as soon as it is there, add the build's key to those of a user. Disposing of it gives up
 * waiting. What goes wrong is only logged: whether the login succeeds tells.
 */
export function admitBuildKey(
  agentSocket: string,
  user: string,
  key: KeyPair,
  signal: AbortSignal,
): AsyncDisposable {
  const enough = new AbortController();
  const both = AbortSignal.any([signal, enough.signal]);
  const admitting = (async () => {
    await using agent = await connectAgent(agentSocket, { timeoutMs, signal: both });
    await addAuthorizedKeys(agent, user, [key.publicKey], { signal: both });
  })().catch((error) => log.debug(`The agent did not add the build's key: ${messageOf(error)}`));
  return {
    async [Symbol.asyncDispose]() {
      enough.abort();
      await admitting;
    },
  };
}
