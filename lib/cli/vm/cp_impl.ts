import { userPaths } from "../../paths.ts";
import { awaitSsh } from "../../vm/login/await_ssh.ts";
import { checkLocalSide, findScpDialect } from "../../vm/login/scp.ts";
import { planCopy, scpArgs } from "../../vm/login/scp_args.ts";
import { vmDirs } from "../../vm/places.ts";
import { findLogin, requireProgram, runSshProgram, sshTarget } from "../../vm/login/ssh.ts";
import type { PimContext } from "../context.ts";
import type { LoginFlags } from "./ssh.ts";

/** `pim cp SRC... DST` */
export async function cp(this: PimContext, flags: LoginFlags, ...words: string[]): Promise<void> {
  const { signal, cwd, quiet } = this;
  const limits = { timeoutMs: flags.timeout * 1000, signal };
  const copy = planCopy(words);
  const dirs = await vmDirs(userPaths(this.env));
  const login = await findLogin(dirs, copy.vm, flags.user);
  await checkLocalSide(copy, cwd);
  await requireProgram("scp");
  const target = await sshTarget(dirs, login, limits);
  await awaitSsh(login.vm, target, limits);
  const argv = scpArgs(target, copy, { dialect: await findScpDialect(), quiet });
  this.process.exitCode = await runSshProgram(target, argv, signal);
}
