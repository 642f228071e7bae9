import { messageOf, PimError } from "../../errors.ts";
import type { LayerFiles } from "../../paths.ts";
import type { LayerPlan } from "../plan.ts";
import type { Installed } from "../states.ts";
import { type LayerRecord, stampOf, writeLayerRecord } from "./record.ts";
import { layerFiles } from "./store.ts";

/** A layer that is being made. */
export interface NewLayer {
  readonly id: string;
  readonly point: LayerPlan;
  /** Milliseconds that its step took. */
  readonly elapsedMs: number;
  /** Where it is put together, in the workspace of the build. */
  readonly staged: LayerFiles;
}

/** Puts a layer with the build's disk among the layers, whole: with its record, and on the platter. */
export async function publish(
  state: Installed,
  { id, point, elapsedMs, staged }: NewLayer,
  guest: Pick<LayerRecord, "agent" | "memory">,
): Promise<void> {
  const { plan, origin, layer } = state;
  const { paths } = plan.config;
  try {
    // The disk itself comes last: where there is no room for the rest, the build still has it.
    await writeOut(state.disk);
    await writeLayerRecord(staged.record, {
      version: 1,
      id,
      key: point.key,
      ...(layer !== undefined && { parent: layer.id }),
      profile: plan.profile.name,
      architecture: plan.architecture,
      step: point.step,
      inputs: point.inputs,
      origin,
      build: plan.name,
      created: new Date().toISOString(),
      elapsedMs,
      disk: await stampOf(state.disk),
      ...guest,
    });
    await Deno.rename(state.disk, staged.disk);
    await Deno.rename(staged.dir, layerFiles(paths, id).dir);
  } catch (cause) {
    throw new PimError(`Cannot keep the layer after ${point.step}: ${messageOf(cause)}`, { cause });
  }
}

async function writeOut(path: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  await file.sync();
}
