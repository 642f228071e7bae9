import { downloadOptions } from "../../iso/download/options.ts";
import { ensureIso as supplyIso } from "../../iso/supply.ts";
import type { Step } from "../chain.ts";
import type { HostReady, IsoReady } from "../states.ts";

const doing = { download: "downloading", hash: "verifying" } as const;

/** Takes the verified ISO from the disk, or downloads it. */
export const ensureIso: Step<HostReady, IsoReady> = {
  name: "ensure ISO",
  async run(state, { signal, progress }) {
    const { plan } = state;
    const settings = plan.config.settings.iso;
    const iso = await supplyIso(plan.iso, settings.iso_dir, {
      ...downloadOptions(settings),
      signal,
      onProgress: ({ phase, bytes, totalBytes }) =>
        progress(`${doing[phase]} ${plan.iso.filename}`, totalBytes ? bytes / totalBytes : undefined),
    });
    return { ...state, iso };
  },
};
