import { exitCode, PimError } from "../../errors.ts";
import { hideSecret } from "../../log.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import type { SshSession } from "../../ssh/session.ts";

/** How a command becomes root's: what stands before it, and what it is given to read. */
export interface RootWay {
  readonly prefix: string;
  readonly stdin?: string;
}

const known = new WeakMap<SshSession, RootWay>();

/** The way that {@linkcode findRootWay} found before in this session, else the one that it finds now. */
export async function knownRootWay(
  ssh: SshSession,
  profile: ResolvedProfile,
  signal: AbortSignal,
): Promise<RootWay> {
  return known.get(ssh) ?? await findRootWay(ssh, profile, signal);
}

/** How to become root in the guest: not at all, by sudo without a password, or by sudo with the profile's. */
export async function findRootWay(
  ssh: SshSession,
  profile: ResolvedProfile,
  signal: AbortSignal,
): Promise<RootWay> {
  const way = await tryWays(ssh, profile, signal);
  known.set(ssh, way);
  return way;
}

async function tryWays(
  ssh: SshSession,
  profile: ResolvedProfile,
  signal: AbortSignal,
): Promise<RootWay> {
  if (ssh.username === "root") return { prefix: "" };
  const limits = { signal, timeoutMs: 60_000 };
  if ((await ssh.exec("sudo -n true", limits)).code === 0) return { prefix: "sudo -n " };
  if (profile.password !== undefined) {
    hideSecret(profile.password);
    // -k: a sudo that remembers an earlier answer would leave the password for the command to read.
    const way = { prefix: "sudo -k -S -p '' ", stdin: `${profile.password}\n` };
    if ((await ssh.exec(`${way.prefix}true`, { ...limits, stdin: way.stdin })).code === 0) return way;
  }
  throw new PimError(`The user ${ssh.username} cannot become root in the guest with sudo`, {
    exitCode: exitCode.provisioning,
    hint: "Give the profile a password, or let installs.d allow sudo without one while it is built.",
  });
}
