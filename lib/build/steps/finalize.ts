import { buildKeyComment } from "../../serve/template_data.ts";
import type { Step } from "../chain.ts";
import { finalizeScript } from "../finalize_script.ts";
import { guestFolder, runGuestScript, scriptEnvironment } from "../guest_script.ts";
import { whileRunning } from "../machine.ts";
import type { Inventoried } from "../states.ts";

const timeoutMs = 10 * 60_000;

/** Takes out of the system what belongs to the build or to one machine only: keys, identity, logs, caches. */
export const finalize: Step<Inventoried, Inventoried> = {
  name: "finalize",
  async run(state, { signal, output }) {
    const { profile, architecture } = state.plan;
    const content = await finalizeScript();
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
