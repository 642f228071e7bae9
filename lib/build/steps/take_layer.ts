import { createOverlay } from "../../qemu/img.ts";
import { buildKeyComment } from "../../serve/template_data.ts";
import { generateKeyPair } from "../../ssh/key.ts";
import type { Step } from "../chain.ts";
import type { KeptLayer } from "../layers/record.ts";
import { chainOf, listLayers, lockLayers, touchLayers } from "../layers/store.ts";
import type { HostReady, Installed } from "../states.ts";

/** Goes on from a layer of an earlier build: the disk begins on top of it. */
export function takeLayer(layer: KeptLayer): Step<HostReady, Installed> {
  return {
    name: "take layer",
    async run(state, { progress, signal }) {
      progress(`${layer.step}, kept by ${layer.build}`);
      return {
        ...state,
        origin: layer.origin,
        buildKey: await generateKeyPair(buildKeyComment),
        layer: { id: layer.id, step: layer.step },
        from: layer,
        ...await layDisk(state, layer, signal),
      };
    },
  };
}

/** A disk of the build's own over a layer, and a copy of its UEFI variables. */
export async function layDisk(
  { plan, workspace, host }: HostReady,
  layer: KeptLayer,
  signal: AbortSignal,
): Promise<Pick<Installed, "disk" | "efiVars">> {
  const { paths } = plan.config;
  const disk = workspace.nextDisk();
  // From when the disk is there it protects the layer; until then the lock does.
  await using _lock = await lockLayers(paths, signal);
  await touchLayers(chainOf(layer, await listLayers(paths)));
  await createOverlay(disk, layer.files.disk, { qemuImg: host.qemuImg, signal });
  workspace.useDisk(disk);
  if (host.firmware === undefined) return { disk };
  await Deno.copyFile(layer.files.efiVars, workspace.files.efiVars);
  return { disk, efiVars: workspace.files.efiVars };
}
