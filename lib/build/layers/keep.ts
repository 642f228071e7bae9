import { removeIfThere } from "../../files.ts";
import { filesOfLayer, layersDir } from "../../paths.ts";
import { createUnopenedOverlay } from "../../qemu/img.ts";
import type { Step, StepContext } from "../chain.ts";
import { whileRunning } from "../machine.ts";
import type { LayerPlan } from "../plan.ts";
import type { Installed, Reachable } from "../states.ts";
import { isLayerPoint } from "./choose.ts";
import { type NewLayer, publish } from "./publish.ts";
import { snapshotRunning } from "./snapshot_running.ts";
import { layerFiles, newLayerId } from "./store.ts";

/** A step at whose end the disk becomes a layer, for the builds that come after. */
export function keep<In, Out extends Installed | Reachable>(step: Step<In, Out>): Step<In, Out> {
  return {
    name: step.name,
    async run(input, context) {
      const startedMs = performance.now();
      const state = await step.run(input, context);
      const elapsedMs = Math.round(performance.now() - startedMs);
      const point = isLayerPoint(state.plan, step.name, state.layer?.step)
        ? state.plan.keys?.layers.find((each) => each.step === step.name)
        : undefined;
      if (point === undefined) return state;
      if (await isElsewhere(state)) {
        context.progress(
          "no layer is kept: the folder of layers is on another file system than that of builds",
        );
        return state;
      }
      return await keepLayer(state, point, elapsedMs, context);
    },
  };
}

/** A layer comes to its place at one go, as files can be moved only within a file system. */
async function isElsewhere({ workspace, plan }: Installed): Promise<boolean> {
  const dir = layersDir(plan.config.paths);
  await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
  return (await Deno.stat(dir)).dev !== (await Deno.stat(workspace.dir)).dev;
}

/** The same state, over a disk that begins anew on top of the layer. */
async function keepLayer<State extends Installed | Reachable>(
  state: State,
  point: LayerPlan,
  elapsedMs: number,
  context: StepContext,
): Promise<State> {
  const { workspace, plan, host } = state;
  const id = newLayerId(point.key);
  const layer: NewLayer = { id, point, elapsedMs, staged: filesOfLayer(workspace.stagedLayer(id)) };
  const disk = workspace.nextDisk();
  try {
    await Deno.mkdir(layer.staged.dir, { mode: 0o700 });
    // Before there is a layer: from its first moment on something depends on it.
    await createUnopenedOverlay(disk, layerFiles(plan.config.paths, id).disk, {
      qemuImg: host.qemuImg,
      diskBytes: plan.diskBytes,
      signal: context.signal,
    });
    const running = "machine" in state
      ? await whileRunning(
        state.machine,
        plan.name,
        context.signal,
        (signal) => snapshotRunning(state, layer, disk, { ...context, signal }),
      )
      : await publishAsIs(state, layer);
    workspace.useDisk(disk);
    return { ...state, ...running, disk, layer: { id, step: point.step } };
  } finally {
    await removeIfThere(layer.staged.dir);
  }
}

/** No machine runs: the disk is what the layer's is to be. */
async function publishAsIs(state: Installed, layer: NewLayer): Promise<Partial<Reachable>> {
  if (state.efiVars !== undefined) await Deno.copyFile(state.efiVars, layer.staged.efiVars);
  await publish(state, layer, {});
  return {};
}
