import { buildKeyComment } from "../../serve/template_data.ts";
import type { Step } from "../chain.ts";
import { guestFolder, runGuestScript, scriptEnvironment } from "../guest_script.ts";
import { whileRunning } from "../machine.ts";
import type { Reachable } from "../states.ts";

const scriptUrl = new URL("../finalize.sh", import.meta.url);
const timeoutMs = 10 * 60_000;

/** Takes out of the system what belongs to the build or to one machine only: keys, identity, logs, caches. */
export const finalize: Step<Reachable, Reachable> = {
  name: "finalize",
  async run(state, { signal, output }) {
    const { profile, architecture } = state.plan;
    const content = await Deno.readTextFile(scriptUrl);
    await whileRunning(
      state.machine,
      state.plan.name,
      signal,
      (signal) =>
        runGuestScript(state.ssh, profile, {
          name: "pim-finalize",
          content,
          env: {
            ...scriptEnvironment(profile, architecture),
            PIM_SSH_USER: state.ssh.username,
            PIM_GUEST_FOLDER: guestFolder,
            PIM_KEY_COMMENT: buildKeyComment,
          },
          timeoutMs,
          signal,
          onLine: output,
        }),
    );
    return state;
  },
};
