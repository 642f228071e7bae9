import { join } from "node:path";
import { exitCode, PimError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import { homeDir, writtenPath } from "../../paths.ts";
import { SshError } from "../../ssh/errors.ts";
import { findKnownHost } from "../../ssh/known_hosts.ts";
import type { LoginOptions } from "../../ssh/login.ts";
import { connectSsh, type SshSession } from "../../ssh/session.ts";
import type { SftpSession } from "../../ssh/sftp.ts";
import { DeployError } from "../deploy_error.ts";
import type { HostTools } from "../target.ts";
import type { OpenSshLogin } from "./open_ssh.ts";
import type { SshSettings } from "./settings.ts";
import { waysToLogIn } from "./ways_to_log_in.ts";

/** A host that is logged in to, and its files. */
export interface Connection extends AsyncDisposable {
  readonly session: SshSession;
  readonly sftp: SftpSession;
  /** How OpenSSH's client can log in to the same host in the same way; undefined where only pim can. */
  readonly openSsh?: OpenSshLogin;
}

const loginTimeoutMs = 30_000;

/** Logs in to the host of a target. Throws SshError, and DeployError where something has to be set first. */
export async function openConnection(
  settings: SshSettings,
  tools: HostTools,
  baseDir: string,
): Promise<Connection> {
  const { host, port } = settings;
  const { auth, keys } = await waysToLogIn(settings, tools, baseDir);
  const username = usernameOf(settings, tools);
  const session = await connectSsh({
    ...{ host, port, username, auth, timeoutMs: loginTimeoutMs, signal: tools.signal },
    ...await expectedHostKey(settings, tools, baseDir),
  });
  try {
    const sftp = await session.sftp({ signal: tools.signal });
    if (sftp === undefined) {
      throw new DeployError(`Cannot deploy to ${host}: its SSH server has no SFTP`, {
        hint: "Switch it on in its sshd_config: Subsystem sftp internal-sftp",
      });
    }
    return {
      ...{ session, sftp },
      ...(keys !== undefined && {
        openSsh: { host, port, username, hostPublicKey: session.hostPublicKey, ...keys },
      }),
      async [Symbol.asyncDispose]() {
        sftp[Symbol.dispose]();
        await session[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function usernameOf({ username, host }: SshSettings, { env }: HostTools): string {
  const found = username ?? env.get("USER") ?? env.get("LOGNAME");
  if (found !== undefined) return found;
  throw new DeployError(`Cannot log in to ${host}: there is no user to log in as`, {
    hint: "Set `username` in targets.d.",
  });
}

async function expectedHostKey(
  { host, port, host_key: pinned, known_hosts: own }: SshSettings,
  { env }: HostTools,
  baseDir: string,
): Promise<Pick<LoginOptions, "hostKey" | "hostKeyTypes">> {
  if (pinned !== undefined) return { hostKey: pinned };
  const home = homeDir(env);
  const files = [
    ...(own === undefined ? [] : [writtenPath(own, baseDir, env)]),
    ...[join(home, ".ssh/known_hosts"), join(home, ".ssh/known_hosts2"), "/etc/ssh/ssh_known_hosts"],
  ];
  const texts = await Promise.all(files.map(readTextIfThere));
  const known = findKnownHost(texts.map((each) => each ?? "").join("\n"), host, port);
  // None is accepted: the refusal then tells what the host has.
  return { hostKey: known.fingerprints, hostKeyTypes: known.types };
}

/** What went wrong on the way to a host, as a failed deployment. */
export function explainSsh(error: unknown, { host, port }: SshSettings, what: string): unknown {
  // What is wrong with the settings, the user's wish to stop and the like are told as they are.
  if (!(error instanceof SshError) && !isPlain(error)) return error;
  const denied = /permission denied/i.test(error.message);
  const hint = error instanceof SshError
    ? hintOf(error, host, port)
    : error.hint ?? (denied ? "Set another `path` or `username` in targets.d." : undefined);
  return new DeployError(`Cannot ${what}: ${error.message}`, { cause: error, hint });
}

function isPlain(error: unknown): error is PimError {
  return error instanceof PimError && error.exitCode === exitCode.failure;
}

function hintOf(error: SshError, host: string, port: number): string | undefined {
  const scan = `ssh-keyscan -p ${port} ${host}`;
  switch (error.kind) {
    case "host-key":
      return `If that is the right host, pin its key in targets.d (host_key: SHA256:…), or put it into known_hosts: ${scan}`;
    case "auth":
      return "Set `username`, and `key` or `password`, in targets.d; the key has to be in its authorized_keys there.";
    case "lost":
      return "The same command goes on from where it was.";
    case "refused":
    case "no-banner":
    case "timeout":
      return `Look whether it is up and can be reached: ssh -p ${port} ${host}`;
    case "protocol":
      return error.hint;
  }
}
