import { buildKeyComment } from "../../serve/template_data.ts";
import type { Step } from "../chain.ts";
import { finalizeScript } from "../guest/finalize_script.ts";
import { guestFolder, scriptEnvironment } from "../guest/script.ts";
import type { Inventoried } from "../states.ts";
import { runWatchedScript } from "../guest/watched_script.ts";

const timeoutMs = 10 * 60_000;

/** Takes out of the system what belongs to the build or to one machine only: keys, identity, logs, caches. */
export const finalize: Step<Inventoried, Inventoried> = {
  name: "finalize",
  async run(state, context) {
    const { profile, architecture } = state.plan;
    await runWatchedScript(state, {
      name: "pim-finalize",
      content: await finalizeScript(),
      env: {
        ...scriptEnvironment(profile, architecture),
        PIM_SSH_USER: state.ssh.username,
        PIM_GUEST_FOLDER: guestFolder,
        PIM_KEY_COMMENT: buildKeyComment,
      },
      timeoutMs,
    }, context);
    return state;
  },
};
