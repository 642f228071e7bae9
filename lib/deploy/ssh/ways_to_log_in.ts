import { join } from "node:path";
import { readTextIfThere } from "../../files.ts";
import { homeDir, writtenPath } from "../../paths.ts";
import { checkAuth, type SshAuth } from "../../ssh/auth.ts";
import { DeployError } from "../deploy_error.ts";
import type { HostTools } from "../target.ts";
import type { OpenSshKeys } from "./open_ssh.ts";
import type { SshSettings } from "./settings.ts";

const usualKeys = ["id_ed25519", "id_ecdsa", "id_rsa"];

/** How to log in to a host. */
export interface WaysToLogIn {
  readonly auth: SshAuth[];
  /** The same for OpenSSH's client; undefined where there is a secret in it that only pim knows. */
  readonly keys?: OpenSshKeys;
}

/** What the settings name, else the agent and the keys of ~/.ssh. Throws a DeployError where there is nothing. */
export async function waysToLogIn(
  settings: SshSettings,
  tools: HostTools,
  baseDir: string,
): Promise<WaysToLogIn> {
  const { key, password, host } = settings;
  const given: SshAuth[] = [];
  // A key file ends with a line end, which secrets lose.
  if (key !== undefined) given.push({ privateKey: `${await tools.secret(key, baseDir)}\n` });
  if (password !== undefined) given.push({ password: await tools.secret(password, baseDir) });
  if (given.length > 0) {
    const file = typeof key === "string" ? /^file:(.*)$/s.exec(key)?.[1] : undefined;
    if (file === undefined || password !== undefined) return { auth: given };
    return { auth: given, keys: { files: [writtenPath(file, baseDir, tools.env)] } };
  }
  const found = await usualWays(tools);
  if (found.auth.length > 0) return found;
  throw new DeployError(`Cannot log in to ${host}: there is no key in ~/.ssh, no agent, and none is set`, {
    hint: 'Set `key: "file:PATH"` or `password: "$NAME"` in targets.d.',
  });
}

async function usualWays({ env }: HostTools): Promise<WaysToLogIn> {
  const agent = env.get("SSH_AUTH_SOCK") || undefined;
  const auth: SshAuth[] = agent === undefined ? [] : [{ agent }];
  const files: string[] = [];
  for (const name of usualKeys) {
    const path = join(homeDir(env), ".ssh", name);
    const privateKey = await readTextIfThere(path);
    // One with a passphrase is for the agent.
    if (privateKey === undefined || !await isReadable({ privateKey })) continue;
    auth.push({ privateKey });
    files.push(path);
  }
  return { auth, keys: { files, ...(agent !== undefined && { agent }) } };
}

async function isReadable(auth: SshAuth): Promise<boolean> {
  try {
    await checkAuth([auth]);
    return true;
  } catch {
    return false;
  }
}
