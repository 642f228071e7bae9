import { createHash } from "node:crypto";
import { showUrl } from "../http/error.ts";
import type { ImageEntry } from "../image/entry.ts";
import type { Manifest, StepTime } from "../image/manifest.ts";
import { version } from "../version.ts";
import type { Flattened } from "./states.ts";

/** The manifest of the image that a build made. */
export function manifestOf(state: Flattened, entry: ImageEntry, steps: readonly StepTime[]): Manifest {
  const { plan, host, origin, inventory, sha256, verification } = state;
  const { key, filename, url } = plan.iso;
  const { name, profile, architecture, file, virtualBytes, bytes, created, firmware } = entry;
  return {
    version: 1,
    image: { name, profile, architecture, file, virtualBytes, bytes, sha256, created, firmware },
    pim: { version },
    qemu: { version: host.version.text, accelerator: host.accelerator.name },
    installer: {
      family: origin.family,
      ...(origin.version !== undefined && { version: origin.version }),
    },
    iso: { key, filename, url: showUrl(url), checksum: origin.isoChecksum },
    system: inventory.system,
    ...(plan.keys !== undefined && { digestId: plan.keys.digestId }),
    layers: layersOf(state),
    scripts: plan.scripts.map(({ name, content }) => ({
      name,
      sha256: createHash("sha256").update(content).digest("hex"),
    })),
    packages: inventory.packages,
    steps,
    ...(verification !== undefined && { verification }),
  };
}

/** The layers; those up to the one that the build began with were there already. */
function layersOf({ plan, from }: Flattened): Manifest["layers"] {
  const layers = plan.keys?.layers ?? [];
  const last = layers.findIndex(({ step }) => step === from?.step);
  return layers.map(({ step, key, inputs }, index) => ({ step, key, inputs, reused: index <= last }));
}
