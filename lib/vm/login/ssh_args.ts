import { configPath, shellCommand } from "../../ssh/quote.ts";

/** How SSH reaches a VM, and who logs in. */
export interface SshTarget {
  readonly vmName: string;
  readonly host: string;
  readonly port: number;
  /** Left out, ssh chooses as it does for any host. */
  readonly username?: string;
  /** A private key to try besides those of the user's agent and own. */
  readonly identityFile?: string;
  readonly knownHostsFile: string;
}

/** What `ssh` is to do in a VM. */
export interface SshSession {
  readonly command: readonly string[];
  /** A terminal for the command too, which by itself gets none. */
  readonly tty: boolean;
}

/** The name by which ssh's messages, its known hosts and the user's ssh_config know a VM. */
export function sshHostName(vmName: string): string {
  return `pim-${vmName}`;
}

/**
 * Settings of ssh_config(5). A VM's host keys are its own, in its folder: ports and addresses go from one VM to another.
 * IdentitiesOnly is left alone, so that the keys of the user's agent work too.
 */
function settings(target: SshTarget): [string, string][] {
  const { vmName, host, port, username, identityFile, knownHostsFile } = target;
  return [
    ["HostName", host],
    ["Port", String(port)],
    ...(username === undefined ? [] : [["User", username]] as [string, string][]),
    ["HostKeyAlias", sshHostName(vmName)],
    ["UserKnownHostsFile", configPath(knownHostsFile)],
    ["GlobalKnownHostsFile", "/dev/null"],
    ["StrictHostKeyChecking", "accept-new"],
    ...(identityFile === undefined ? [] : [["IdentityFile", configPath(identityFile)]] as [string, string][]),
    // What a user's ssh_config says of all hosts: there is nothing between us and the VM.
    ["ProxyCommand", "none"],
  ];
}

/** The settings as `-o` words, for ssh and scp alike. */
export function sshOptions(target: SshTarget): string[] {
  // Without "Permanently added …" at a VM's first login, and without "Connection … closed." at the end of each.
  return [...settings(target), ["LogLevel", "ERROR"]].flatMap(([name, value]) => ["-o", `${name}=${value}`]);
}

/** The argv that logs in to a VM, or runs a command there. */
export function sshArgs(target: SshTarget, session: SshSession): string[] {
  const { command, tty } = session;
  return [
    "ssh",
    ...sshOptions(target),
    ...(tty ? ["-t"] : []),
    sshHostName(target.vmName),
    ...(command.length === 0 ? [] : ["--", commandLine(command)]),
  ];
}

/**
 * The line that the guest's shell reads. Several words arrive as they are; a single one is a line for that shell, so that
 * `pim ssh VM 'ls *.log | wc -l'` works as with ssh.
 */
function commandLine(command: readonly string[]): string {
  const [line = "", ...others] = command;
  return others.length === 0 ? line : shellCommand(command);
}

/** The argv that finds out why ssh failed: it gets as far as the login and does not try that. */
export function sshProbeArgs(target: SshTarget): string[] {
  const probe = { BatchMode: "yes", PreferredAuthentications: "none", ConnectTimeout: "5" };
  return [
    "ssh",
    ...sshOptions(target),
    ...Object.entries(probe).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    sshHostName(target.vmName),
    "--",
    "true",
  ];
}

/** A block for ~/.ssh/config, for programs that use ssh by themselves. */
export function sshConfig(target: SshTarget): string {
  return [
    `Host ${sshHostName(target.vmName)}`,
    ...settings(target).map(([name, value]) => `  ${name} ${value}`),
  ].join("\n");
}
