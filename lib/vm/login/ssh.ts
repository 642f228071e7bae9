import { CancelledError, HostError, PimError, UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { findPackageManager, installWith, type PackageManager } from "../../package_manager.ts";
import { filesOfVm } from "../../paths.ts";
import { run, runInteractive, which } from "../../process.ts";
import { shellQuote } from "../../ssh/quote.ts";
import { awaitGuestAddress, type WaitLimits } from "../guest/guest_address.ts";
import type { VmDirs } from "../places.ts";
import type { RunRecord } from "../run_record.ts";
import { sshProbeArgs, type SshTarget } from "./ssh_args.ts";
import { findRunningVm, type RunningVm } from "../vms.ts";

/** A running VM, and who is to log in there. */
export interface Login {
  readonly vm: RunningVm;
  /** Left out: the user that its image is known to have, else whom ssh chooses. */
  readonly username?: string;
}

/** The login that `[USER@]NAME` means, with the user of `--user` where there is one. */
export async function findLogin(dirs: VmDirs, text: string, user?: string): Promise<Login> {
  const [, named, name = text] = /^(.*)@([^@]*)$/.exec(text) ?? [];
  if (named !== undefined && user !== undefined && named !== user) {
    throw new UsageError(`Either --user ${user} or ${text}: these are two users`);
  }
  const username = user ?? named;
  if (username !== undefined && !/^[\p{L}\p{N}_.][\p{L}\p{N}_.@+-]*\$?$/u.test(username)) {
    throw new UsageError(`${JSON.stringify(username)} cannot be the name of a user`);
  }
  return { vm: await findRunningVm(dirs, name), ...(username !== undefined && { username }) };
}

/** How ssh reaches a VM; of one in the host's network the guest agent tells the address, which is waited for. */
export async function sshTarget(dirs: VmDirs, login: Login, limits: WaitLimits): Promise<SshTarget> {
  const { vm } = login;
  const { record } = vm;
  if (record === undefined) {
    throw new PimError(
      `pim does not know how to reach ${vm.name}: ${vm.problem ?? "its record is missing"}`,
      {
        hint: `Use its console: pim console ${vm.name}`,
      },
    );
  }
  const { definition, dir } = record;
  const username = login.username ?? definition.username;
  return {
    vmName: vm.name,
    ...await sshAddress(dirs, vm, record, limits),
    ...(username !== undefined && { username }),
    ...(definition.sshKey !== undefined && { identityFile: definition.sshKey }),
    knownHostsFile: filesOfVm(dir).knownHosts,
  };
}

/** Where the SSH of a VM is: at a port of this host, or at the address that its agent tells, which is waited for. */
export async function sshAddress(
  dirs: VmDirs,
  vm: RunningVm,
  { definition, sshPort }: Pick<RunRecord, "definition" | "sshPort">,
  limits: WaitLimits,
): Promise<Pick<SshTarget, "host" | "port">> {
  return sshPort === undefined
    ? { host: await awaitGuestAddress(dirs, vm, limits), port: definition.guestSshPort }
    : { host: "127.0.0.1", port: sshPort };
}

/** Runs ssh or scp on pim's terminal, and returns its exit code. What kept it from logging in is explained. */
export async function runSshProgram(
  target: SshTarget,
  argv: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  const code = await runInteractive(argv, { signal, wholeEnv: true });
  if (signal.aborted) throw new CancelledError();
  // 255 is ssh's own failure; scp has others for the same.
  if (code === 255 || (code !== 0 && argv[0] === "scp")) await explainFailure(target, code, signal);
  return code;
}

/** Asks ssh once more, since what it said before went to the user's terminal. */
async function explainFailure(target: SshTarget, code: number, signal: AbortSignal): Promise<void> {
  const { stderr } = await run(sshProbeArgs(target), { signal, okStatus: [0, 255] });
  if (stderr.includes("HOST IDENTIFICATION HAS CHANGED")) {
    log.warn(
      `${target.vmName} shows another SSH host key than before. A guest makes itself new ones when it is set up ` +
        "anew, as cloud-init does after other user-data or another --ssh-key.\n" +
        `hint: When that is what happened, forget the old ones: rm ${shellQuote(target.knownHostsFile)}`,
    );
  } else if (code === 255 && stderr.includes("Permission denied")) log.info(`hint: ${loginHint(target)}`);
}

/** A command that ran in the guest can end with 255, too, so that nobody but who sees it knows of a refusal. */
function loginHint({ vmName, username, identityFile }: SshTarget): string {
  const who = username === undefined ? "" : ` as ${username}`;
  const keys = identityFile === undefined
    ? "your own keys"
    : `${identityFile} and what your agent or ~/.ssh/config has`;
  return `If the login${who} was refused: it was tried with ${keys}. Name another user with --user, have ` +
    `cloud-init let a key in (pim stop ${vmName}, then pim run ${vmName} --ssh-key FILE), or log in on the ` +
    `console: pim console ${vmName}`;
}

const packages: Record<PackageManager, string> = {
  "apt-get": "openssh-client",
  dnf: "openssh-clients",
  pacman: "openssh",
  zypper: "openssh-clients",
  apk: "openssh-client",
  brew: "openssh",
};

/** Throws a HostError with the command that installs it where `ssh` or `scp` is missing. */
export async function requireProgram(program: "ssh" | "scp"): Promise<void> {
  if (await which(program) !== undefined) return;
  const manager = await findPackageManager();
  throw new HostError(`${program} is not installed or not on PATH`, {
    hint: manager === undefined
      ? "Install OpenSSH's client with the package manager of this system."
      : `Install it: ${installWith(manager, [packages[manager]])}`,
  });
}
