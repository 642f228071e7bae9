import { CancelledError, exitCode, PimError, UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { userPaths } from "../../paths.ts";
import { type GuestExit, maxStdinBytes } from "../../qemu/agent_exec.ts";
import { execInGuest, ProgramMissingError } from "../../vm/guest/exec.ts";
import { guestOf } from "../../vm/guest/guest.ts";
import { vmDirs } from "../../vm/places.ts";
import { findRunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { ExecFlags } from "./exec.ts";
import { readStdin } from "./stdin.ts";

/** `pim exec VM -- CMD [ARG...]` */
export async function exec(this: PimContext, flags: ExecFlags, name = "", ...cmd: string[]): Promise<void> {
  const argv = withVariables(cmd, flags.env);
  const { signal } = this;
  const dirs = await vmDirs(userPaths(this.env));
  const vm = await findRunningVm(dirs, name);
  const stdin = flags.stdin ? await readStdin(this.stdin, maxStdinBytes, signal) : undefined;
  const timeoutMs = flags.timeout === undefined ? undefined : flags.timeout * 1000;
  try {
    const { endedBy, exit } = await execInGuest(guestOf(dirs, vm), { argv, stdin }, {
      timeoutMs,
      agentTimeoutMs: timeoutMs,
      signal,
    });
    if (exit !== undefined) await show(this, exit);
    if (endedBy === "cancel") throw new CancelledError();
    if (endedBy === "timeout") {
      throw new PimError(`${cmd[0]} did not end within ${flags.timeout} s and was ended in the guest`, {
        exitCode: exitCode.timeout,
      });
    }
    this.process.exitCode = statusOf(exit);
  } catch (error) {
    if (error instanceof ProgramMissingError) this.process.exitCode = error.status;
    throw error;
  }
}

/** The agent's own `env` would take all other variables away, PATH among them; the program of that name does not. */
function withVariables(cmd: readonly string[], variables: readonly string[] = []): readonly string[] {
  const [program] = cmd;
  if (program === undefined) {
    throw new UsageError("pim exec needs a command to run", { hint: "Such as: pim exec VM -- uname -a" });
  }
  if (variables.length === 0) return cmd;
  if (program.includes("=")) {
    throw new UsageError(`With --env the command cannot have a = in its name: ${program}`);
  }
  return ["env", ...variables, ...cmd];
}

async function show(context: PimContext, { stdout, stderr, truncated }: GuestExit): Promise<void> {
  await context.writeBytes("stdout", stdout);
  await context.writeBytes("stderr", stderr);
  for (const which of truncated) {
    log.warn(
      `the guest agent keeps 16 MiB of a program's output: the rest of its ${which} is lost\n` +
        "hint: Let it write to a file in the guest, and fetch that: pim cp VM:FILE FILE",
    );
  }
}

/** As a shell tells it. */
function statusOf(exit: GuestExit | undefined): number {
  return exit?.code ?? 128 + (exit?.signal ?? 0);
}
