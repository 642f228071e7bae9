import { cloudInitMilestone } from "../../installer/cloud_init.ts";
import type { Machine } from "../../qemu/machine.ts";
import type { SshAuth } from "../../ssh/auth.ts";
import type { SshSession } from "../../ssh/session.ts";
import { waitForSsh } from "../../ssh/wait.ts";
import type { StepContext } from "../chain.ts";
import { watchAgent } from "../diagnosis/agent_watch.ts";
import { attend } from "../diagnosis/attend.ts";
import { keepBuildKey } from "../diagnosis/bundle.ts";
import type { Installed } from "../states.ts";

/** Waits until the installed system lets us in over SSH, with the build's key or the profile's password. */
export async function logIn(
  { plan, buildKey, workspace }: Installed,
  machine: Machine,
  port: number,
  { signal, progress }: Pick<StepContext, "signal" | "progress">,
  /** Somebody else talks with the guest agent meanwhile, which serves one at a time. */
  agentTaken = false,
): Promise<SshSession> {
  await keepBuildKey(workspace.files, buildKey);
  const { password, build } = plan.profile;
  const auth: SshAuth[] = [
    { privateKey: buildKey.privateKey },
    ...(password === undefined ? [] : [{ password }]),
  ];
  const deadlineMs = build.sshTimeoutMinutes * 60_000;
  return await attend(
    {
      plan,
      workspace,
      machine,
      phase: "boot",
      deadlineMs,
      onLine(line) {
        const milestone = cloudInitMilestone(line);
        if (milestone !== undefined) progress(milestone);
      },
    },
    signal,
    async (signal, watch) => {
      await using _asking = agentTaken ? undefined : watchAgent(watch, workspace.runtime.agent, signal);
      return await waitForSsh({
        host: "127.0.0.1",
        port,
        username: plan.sshUser,
        auth,
        deadlineMs,
        signal,
        onStage(stage) {
          progress(stage);
          watch.see({ ssh: { user: plan.sshUser, stage } });
        },
      });
    },
  );
}
