import type { StepContext } from "../chain.ts";
import { attend } from "../diagnosis/attend.ts";
import { workOf } from "../diagnosis/guest_processes.ts";
import { guestFolder, type GuestScript, runGuestScript } from "./script.ts";
import type { Reachable } from "../states.ts";

// What is kept of its output as evidence; build.log has all.
const keptLines = 15;

/** Runs a script as root in the guest of a build, and gives it up when nothing is seen of it any more. */
export async function runWatchedScript(
  { plan, workspace, machine, ssh }: Reachable,
  script: Omit<GuestScript, "signal" | "onLine">,
  { signal, output }: Pick<StepContext, "signal" | "output">,
): Promise<void> {
  const { name, timeoutMs: deadlineMs } = script;
  let last: readonly string[] = [];
  const lastLook = async (signal: AbortSignal) => ({
    script: { name, last, doing: await workOf(ssh, `${guestFolder}/${name}`, signal) },
  });
  const scene = { plan, workspace, machine, phase: "script", deadlineMs, lastLook } as const;
  await attend(scene, signal, async (signal, watch) => {
    watch.see({ script: { name, last } });
    const onLine = (line: string) => {
      last = [...last, line].slice(-keptLines);
      watch.see({ script: { name, last } });
      output(line);
    };
    await runGuestScript(ssh, plan.profile, { ...script, signal, onLine });
  });
}
