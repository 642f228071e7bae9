import { isoOptions } from "../../iso/options.ts";
import { ensureIso as supplyIso } from "../../iso/supply.ts";
import type { Step } from "../chain.ts";
import type { HostReady, IsoReady } from "../states.ts";

const doing = { download: "downloading", hash: "verifying" } as const;

/** Takes the verified ISO from the disk, or downloads it. */
export const ensureIso: Step<HostReady, IsoReady> = {
  name: "ensure ISO",
  async run(state, { signal, progress }) {
    const { plan } = state;
    const iso = await supplyIso(plan.iso, plan.config.settings.iso.iso_dir, {
      ...isoOptions(plan.config),
      signal,
      onProgress: ({ phase, bytes, totalBytes }) =>
        progress(`${doing[phase]} ${plan.iso.filename}`, totalBytes ? bytes / totalBytes : undefined),
    });
    return { ...state, iso };
  },
};
