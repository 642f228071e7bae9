import { messageOf, PimError } from "../../errors.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { generateKeyPair } from "../../ssh/key.ts";
import type { SshAuth } from "../../ssh/auth.ts";
import { waitForSsh } from "../../ssh/wait.ts";
import type { Machine } from "../machine.ts";
import type { RootShell } from "../root_shell.ts";
import { failed, type Outcome, passed, skipped } from "../verification.ts";

// The server has answered already; a login takes seconds on an emulated machine.
const loginTimeoutMs = 60_000;
const refusedGraceMs = 3_000;

/** Logs in over SSH as the profile's user: with its password where that is safe, else with a key that root lets in. */
export async function loginCheck(
  { root, ssh: door }: Pick<Machine, "root" | "ssh">,
  { username, password }: ResolvedProfile,
  signal: AbortSignal,
): Promise<Outcome> {
  if (door === undefined) return skipped("SSH is not forwarded");
  const { open, ...address } = door;
  const key = await letKeyIn(root, username, signal);
  const auth: SshAuth[] = [
    ...(password === undefined || open ? [] : [{ password }]),
    ...("privateKey" in key ? [key] : []),
  ];
  if (auth.length === 0) {
    return skipped(`the profile has no password, and no key could be added: ${messageOf(key)}`);
  }
  try {
    await using ssh = await waitForSsh({
      ...address,
      username,
      auth,
      deadlineMs: loginTimeoutMs,
      refusedGraceMs,
      signal,
    });
    const who = (await ssh.exec("id -un", { timeoutMs: loginTimeoutMs, signal })).stdout.trim();
    if (who !== username) return failed(`logged in as ${username}, the guest says ${JSON.stringify(who)}`);
    if (ssh.authenticatedBy === "password") return passed(`as ${username} with the password`);
    const fate = open ? "is not sent to a host that anybody could be" : "is not accepted";
    return passed(`as ${username} with a key${password === undefined ? "" : `; the password ${fate}`}`);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PimError)) throw error;
    return failed(messageOf(error));
  }
}

async function letKeyIn(
  root: RootShell,
  username: string,
  signal: AbortSignal,
): Promise<{ readonly privateKey: string } | Error> {
  const pair = await generateKeyPair("pim-verify");
  try {
    await root.letIn(username, pair.publicKey, signal);
    return { privateKey: pair.privateKey };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PimError)) throw error;
    return error;
  }
}
