import type { Script } from "../../profile/files.ts";
import type { Step } from "../chain.ts";
import { runGuestScript, scriptEnvironment } from "../guest_script.ts";
import { whileRunning } from "../machine.ts";
import type { Reachable } from "../states.ts";

/** Runs one provisioning script in the guest, as root. Its end is a point to build upon. */
export function provision(script: Script): Step<Reachable, Reachable> {
  return {
    name: `script ${script.name}`,
    async run(state, { signal, output }) {
      const { profile, architecture } = state.plan;
      await whileRunning(
        state.machine,
        state.plan.name,
        signal,
        (signal) =>
          runGuestScript(state.ssh, profile, {
            name: script.name,
            content: { path: script.path },
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
