import type { Step } from "../chain.ts";
import { scriptEnvironment } from "../guest/script.ts";
import { scriptPoint } from "../layers/keys.ts";
import type { PlannedScript } from "../plan.ts";
import type { Reachable } from "../states.ts";
import { runWatchedScript } from "../guest/watched_script.ts";

/** Runs one provisioning script in the guest, as root. */
export function provision(script: PlannedScript): Step<Reachable, Reachable> {
  return {
    name: scriptPoint(script.name),
    async run(state, context) {
      const { profile, architecture } = state.plan;
      await runWatchedScript(state, {
        name: script.name,
        content: script.content,
        env: scriptEnvironment(profile, architecture),
        timeoutMs: profile.build.scriptTimeoutMinutes * 60_000,
      }, context);
      return state;
    },
  };
}
