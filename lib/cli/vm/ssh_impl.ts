import { userPaths } from "../../paths.ts";
import { awaitSsh } from "../../vm/login/await_ssh.ts";
import { vmDirs } from "../../vm/places.ts";
import { findLogin, requireProgram, runSshProgram, sshTarget } from "../../vm/login/ssh.ts";
import { sshArgs, sshConfig } from "../../vm/login/ssh_args.ts";
import type { PimContext } from "../context.ts";
import type { SshFlags } from "./ssh.ts";

/** `pim ssh [USER@]VM [-- CMD...]` */
export async function ssh(
  this: PimContext,
  flags: SshFlags,
  name = "",
  ...command: string[]
): Promise<void> {
  const { signal } = this;
  const limits = { timeoutMs: flags.timeout * 1000, signal };
  const dirs = await vmDirs(userPaths(this.env));
  const login = await findLogin(dirs, name, flags.user);
  if (flags.config) return this.print(sshConfig(await sshTarget(dirs, login, limits)));
  await requireProgram("ssh");
  const target = await sshTarget(dirs, login, limits);
  await awaitSsh(login.vm, target, limits);
  this.process.exitCode = await runSshProgram(
    target,
    sshArgs(target, { command, tty: flags.tty }),
    signal,
  );
}
