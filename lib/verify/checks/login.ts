import { messageOf, PimError } from "../../errors.ts";
import { addAuthorizedKeys } from "../../qemu/agent_commands.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { generateKeyPair } from "../../ssh/key.ts";
import type { SshAuth } from "../../ssh/auth.ts";
import { waitForSsh } from "../../ssh/wait.ts";
import type { Guest } from "../../vm/guest/guest.ts";
import type { Machine } from "../machine.ts";
import { failed, type Outcome, passed, skipped } from "../verification.ts";

// The server has answered already; a login takes seconds on an emulated machine.
const loginTimeoutMs = 60_000;
const refusedGraceMs = 3_000;

/** Logs in over SSH as the profile's user: with its password, else with a key that the guest agent lets in. */
export async function loginCheck(
  { guest, sshPort }: Pick<Machine, "guest" | "sshPort">,
  { username, password }: ResolvedProfile,
  signal: AbortSignal,
): Promise<Outcome> {
  if (sshPort === undefined) return skipped("SSH is not forwarded");
  const key = await letKeyIn(guest, username, signal);
  const auth: SshAuth[] = [
    ...(password === undefined ? [] : [{ password }]),
    ...("privateKey" in key ? [key] : []),
  ];
  if (auth.length === 0) {
    return skipped(`the profile has no password, and no key could be added: ${messageOf(key)}`);
  }
  try {
    await using ssh = await waitForSsh({
      host: "127.0.0.1",
      port: sshPort,
      username,
      auth,
      deadlineMs: loginTimeoutMs,
      refusedGraceMs,
      signal,
    });
    const who = (await ssh.exec("id -un", { timeoutMs: loginTimeoutMs, signal })).stdout.trim();
    if (who !== username) return failed(`logged in as ${username}, the guest says ${JSON.stringify(who)}`);
    if (ssh.authenticatedBy === "password") return passed(`as ${username} with the password`);
    return passed(
      `as ${username} with a key${password === undefined ? "" : "; the password is not accepted"}`,
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PimError)) throw error;
    return failed(messageOf(error));
  }
}

async function letKeyIn(
  guest: Guest,
  username: string,
  signal: AbortSignal,
): Promise<{ readonly privateKey: string } | Error> {
  const pair = await generateKeyPair("pim-verify");
  try {
    await guest.withAgent(
      (agent) => addAuthorizedKeys(agent, username, [pair.publicKey], { signal }),
      { signal },
    );
    return { privateKey: pair.privateKey };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PimError)) throw error;
    return error;
  }
}
