import { messageOf, PimError } from "../errors.ts";
import type { Machine } from "../qemu/machine.ts";
import { lastSerialLines } from "../qemu/serial.ts";
import { SshError } from "../ssh/errors.ts";
import type { SshAuth } from "../ssh/login.ts";
import type { SshSession } from "../ssh/session.ts";
import { waitForSsh, type WaitStage } from "../ssh/wait.ts";
import type { StepContext } from "./chain.ts";
import { whileRunning } from "./machine.ts";
import type { Installed } from "./states.ts";

/** Waits until the installed system lets us in over SSH, with the build's key or the profile's password. */
export async function logIn(
  { plan, buildKey, workspace }: Installed,
  machine: Machine,
  port: number,
  { signal, progress }: Pick<StepContext, "signal" | "progress">,
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
