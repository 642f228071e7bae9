import type { Step } from "../chain.ts";
import { runGuestScript, scriptEnvironment } from "../guest_script.ts";
import { scriptPoint } from "../layers/keys.ts";
import { whileRunning } from "../machine.ts";
import type { PlannedScript } from "../plan.ts";
import type { Reachable } from "../states.ts";

/** Runs one provisioning script in the guest, as root. */
export function provision(script: PlannedScript): Step<Reachable, Reachable> {
  return {
    name: scriptPoint(script.name),
    async run(state, { signal, output }) {
      const { profile, architecture } = state.plan;
      await whileRunning(
        state.machine,
        state.plan.name,
        signal,
        (signal) =>
          runGuestScript(state.ssh, profile, {
            name: script.name,
            content: script.content,
            env: scriptEnvironment(profile, architecture),
            timeoutMs: profile.build.scriptTimeoutMinutes * 60_000,
            signal,
            onLine: output,
          }),
      );
      return state;
    },
  };
}
