import { messageOf, PimError } from "../../errors.ts";
import { exists, removeIfThere } from "../../files.ts";
import { filesOfLayer, layersDir } from "../../paths.ts";
import { createOverlay, createUnopenedOverlay } from "../../qemu/img.ts";
import { snapshotDisk } from "../../qemu/snapshot.ts";
import type { Step, StepContext } from "../chain.ts";
import { logIn } from "../log_in.ts";
import type { LayerPlan } from "../plan.ts";
import type { Installed, Reachable } from "../states.ts";
import { isLayerPoint, isWarmPoint } from "./choose.ts";
import { userDigester } from "./digest.ts";
import { quiesce } from "./quiesce.ts";
import { type LayerRecord, type MemoryRecord, stampOf, writeLayerRecord } from "./record.ts";
import { changeLayer, layerFiles, newLayerId } from "./store.ts";
import { fitMemories, saveMemory } from "./warm.ts";

/** A step at whose end the disk becomes a layer, for the builds that come after. */
export function keep<In, Out extends Installed | Reachable>(step: Step<In, Out>): Step<In, Out> {
  return {
    name: step.name,
    async run(input, context) {
      const startedMs = performance.now();
      const state = await step.run(input, context);
      const elapsedMs = Math.round(performance.now() - startedMs);
      if (!isLayerPoint(state.plan, step.name, state.layer?.step)) return state;
      const point = state.plan.keys?.layers.find((each) => each.step === step.name);
      if (point === undefined) return state;
      return await keepLayer(state, { point, elapsedMs }, context);
    },
  };
}

interface Point {
  readonly point: LayerPlan;
  readonly elapsedMs: number;
}

/** The same state, over a disk that begins anew on top of the layer. */
async function keepLayer<State extends Installed | Reachable>(
  state: State,
  point: Point,
  context: StepContext,
): Promise<State> {
  const id = newLayerId(point.point.key);
  const staged = filesOfLayer(state.workspace.stagedLayer(id));
  try {
    await Deno.mkdir(staged.dir, { mode: 0o700 });
    const after = "machine" in state
      ? await snapshotRunning(state, id, point, context)
      : await layOver(state, id, point, context);
    return { ...state, ...after, layer: { id, step: point.point.step } };
  } finally {
    await removeIfThere(staged.dir);
  }
}

/** The machine is off: its disk is the layer's as it is. */
async function layOver(
  state: Installed,
  id: string,
  point: Point,
  { signal }: StepContext,
): Promise<Partial<Reachable>> {
  const staged = filesOfLayer(state.workspace.stagedLayer(id));
  if (state.efiVars !== undefined) await Deno.copyFile(state.efiVars, staged.efiVars);
  await publish(state, id, point, {});
  const disk = state.workspace.nextDisk();
  await createOverlay(disk, layerFiles(state.plan.config.paths, id).disk, {
    qemuImg: state.host.qemuImg,
    signal,
  });
  state.workspace.useDisk(disk);
  return { disk };
}

/** The machine runs on: from one moment to the next it writes to a new file. */
async function snapshotRunning(
  state: Reachable,
  id: string,
  point: Point,
  context: StepContext,
): Promise<Partial<Reachable>> {
  const { workspace, plan, host, machine } = state;
  const { signal, progress } = context;
  const staged = filesOfLayer(workspace.stagedLayer(id));
  const disk = workspace.nextDisk();
  await createUnopenedOverlay(disk, layerFiles(plan.config.paths, id).disk, {
    qemuImg: host.qemuImg,
    diskBytes: plan.diskBytes,
    signal,
  });
  let warm = isWarmPoint(plan, point.point.step);
  const diskNode = `overlay-${id}`.slice(0, 31);
  let memory: MemoryRecord | undefined;
  let agent: boolean;
  {
    await using guest = await quiesce(state, signal);
    agent = guest.frozen;
    // Without an agent nobody could tell the guest the time when it wakes up.
    warm &&= agent;
    // A connection that the guest takes for open would be in the kept memory too.
    if (warm) await state.ssh[Symbol.asyncDispose]();
    if (warm) {
      guest.willStop();
      await machine.qmp.execute("stop");
    }
    try {
      await snapshotDisk(machine.qmp, {
        node: state.diskNode,
        overlay: disk,
        overlayNode: diskNode,
        throwaway: true,
      });
      workspace.useDisk(disk);
      if (state.efiVars !== undefined) await Deno.copyFile(state.efiVars, staged.efiVars);
      if (warm) {
        progress("keeping the machine's memory");
        const digester = await userDigester(plan.config.paths);
        memory = await saveMemory(state, staged.memory, { digester, signal });
      }
    } finally {
      if (warm) await machine.qmp.execute("cont");
    }
  }
  await publish(state, id, point, { agent, ...(memory !== undefined && { memory }) });
  if (memory !== undefined) await fitMemories(state);
  await noteAgent(state, agent);
  if (!warm) return { disk, diskNode };
  return { disk, diskNode, ssh: context.undo.use(await logIn(state, machine, state.sshPort, context)) };
}

/** Puts the layer among the layers, whole: with its record, and on the platter. */
async function publish(
  state: Installed,
  id: string,
  { point, elapsedMs }: Point,
  guest: Pick<LayerRecord, "agent" | "memory">,
): Promise<void> {
  const { plan, workspace, origin, layer } = state;
  const { paths } = plan.config;
  const staged = filesOfLayer(workspace.stagedLayer(id));
  try {
    await Deno.rename(state.disk, staged.disk);
    {
      using file = await Deno.open(staged.disk, { write: true, read: true });
      await file.sync();
    }
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
      disk: await stampOf(staged.disk),
      ...guest,
    });
    await Deno.mkdir(layersDir(paths), { recursive: true, mode: 0o700 });
    await Deno.rename(staged.dir, layerFiles(paths, id).dir);
  } catch (cause) {
    throw new PimError(`Cannot keep the layer after ${point.step}: ${messageOf(cause)}`, { cause });
  }
}

/** Whether there is an agent shows only when the system that was installed runs. */
async function noteAgent({ plan, layer }: Reachable, agent: boolean): Promise<void> {
  if (layer === undefined || !(await exists(layerFiles(plan.config.paths, layer.id).record))) return;
  await changeLayer(plan.config.paths, layer.id, (record) => ({ agent, ...record }));
}
