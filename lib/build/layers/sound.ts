import { messageOf } from "../../errors.ts";
import { writeFileAtomic } from "../../files.ts";
import { log } from "../../log.ts";
import { which } from "../../process.ts";
import { checkImage } from "../../qemu/img.ts";
import type { Planned } from "../states.ts";
import { chooseLayer, type Reuse } from "./choose.ts";
import type { KeptLayer } from "./record.ts";
import { chainOf, listLayers, lockLayers } from "./store.ts";

/**
 * The deepest layer of a build that qemu-img, too, finds in order with all those under it. It stays as long as the
 * workspace does.
 */
export async function soundLayer(
  { plan, workspace }: Planned,
  signal: AbortSignal,
): Promise<Reuse | undefined> {
  const qemuImg = await which("qemu-img");
  // Without QEMU nothing can go on; the first step says so, with what to install.
  if (qemuImg === undefined) return undefined;
  await using _lock = await lockLayers(plan.config.paths, signal);
  let layers = await listLayers(plan.config.paths);
  for (;;) {
    const reuse = chooseLayer(plan, layers);
    if (reuse === undefined) return undefined;
    const damaged = await firstDamaged(chainOf(reuse.layer, layers), { qemuImg, signal });
    if (damaged === undefined) {
      await writeFileAtomic(workspace.files.layer, reuse.layer.id);
      return reuse;
    }
    const { layer, damage } = damaged;
    log.warn(`The layer after ${layer.step} of ${layer.build} is damaged and not used: ${damage}`);
    layers = layers.filter((each) => !chainOf(each, layers).some(({ id }) => id === layer.id));
  }
}

async function firstDamaged(
  chain: readonly KeptLayer[],
  options: { readonly qemuImg: string; readonly signal: AbortSignal },
): Promise<{ readonly layer: KeptLayer; readonly damage: string } | undefined> {
  for (const layer of chain) {
    try {
      const { corruptions, errors } = await checkImage(layer.files.disk, options);
      if (corruptions + errors > 0) {
        return { layer, damage: `qemu-img finds ${corruptions} corruptions in it` };
      }
    } catch (error) {
      options.signal.throwIfAborted();
      return { layer, damage: messageOf(error) };
    }
  }
  return undefined;
}
