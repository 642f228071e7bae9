import { messageOf, PimError } from "../../errors.ts";
import type { Machine } from "../../qemu/machine.ts";
import { freePort, startOnFreePort } from "../../qemu/ports.ts";
import { lastSerialLines } from "../../qemu/serial.ts";
import { SshError } from "../../ssh/errors.ts";
import type { SshAuth } from "../../ssh/login.ts";
import type { SshSession } from "../../ssh/session.ts";
import { waitForSsh, type WaitStage } from "../../ssh/wait.ts";
import type { Step, StepContext } from "../chain.ts";
import { buildMachine, whileRunning } from "../machine.ts";
import type { Installed, Reachable } from "../states.ts";

/** Starts the installed system from its disk and waits until it lets us in over SSH. */
export const startInstalled: Step<Installed, Reachable> = {
  name: "start installed system",
  async run(state, context) {
    const { plan, host } = state;
    const { machine, hostPort } = await startOnFreePort(
      host,
      (sshPort) => buildMachine(state, { sshPort }),
      { signal: context.signal, findPort: () => plan.sshPort || freePort() },
    );
    context.undo.use(machine);
    const ssh = context.undo.use(await logIn(state, machine, hostPort, context));
    context.progress(
      `logged in as ${ssh.username} with the ${ssh.authenticatedBy === "key" ? "build key" : "password"}`,
    );
    return { ...state, machine, ssh };
  },
};

async function logIn(
  { plan, buildKey, workspace }: Installed,
  machine: Machine,
  port: number,
  { signal, progress }: StepContext,
): Promise<SshSession> {
  const { password } = plan.profile;
  const auth: SshAuth[] = [
    { privateKey: buildKey.privateKey },
    ...(password === undefined ? [] : [{ password }]),
  ];
  let stage: WaitStage | undefined;
  try {
    return await whileRunning(machine, plan.name, signal, (signal) =>
      waitForSsh({
        host: "127.0.0.1",
        port,
        username: plan.sshUser,
        auth,
        deadlineMs: plan.profile.build.sshTimeoutMinutes * 60_000,
        signal,
        onStage: (reached) => progress(stage = reached),
      }));
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const lines = await lastSerialLines(workspace.files.serialLog, 15);
    throw new PimError(
      `${messageOf(error)} (the system was installed; reached: ${stage})` +
        (lines === "" ? "" : `\nThe last lines of its console:\n${lines.replace(/^/gm, "  | ")}`),
      { exitCode: error.exitCode, ...(error.hint !== undefined && { hint: error.hint }), cause: error },
    );
  }
}
