import { exists } from "../../files.ts";
import { snapshotDisk } from "../../qemu/snapshot.ts";
import type { StepContext } from "../chain.ts";
import { logIn } from "../guest/log_in.ts";
import type { Reachable } from "../states.ts";
import { isWarmPoint } from "./choose.ts";
import { userDigester } from "./digest.ts";
import { type NewLayer, publish } from "./publish.ts";
import { quiesce } from "./quiesce.ts";
import type { MemoryRecord } from "./record.ts";
import { changeLayer, layerFiles } from "./store.ts";
import { fitMemories, saveMemory } from "./warm.ts";

/**
 * Makes a layer of the disk of a machine that runs on: from one moment to the next it writes to the overlay. Returns
 * what is different then.
 */
export async function snapshotRunning(
  state: Reachable,
  layer: NewLayer,
  overlay: string,
  context: StepContext,
): Promise<Partial<Reachable>> {
  const diskNode = `overlay-${layer.id}`.slice(0, 31); // QEMU's limit
  const { agent, memory, stopped } = await freezeAndSnapshot(state, layer, { overlay, diskNode }, context);
  await publish(state, layer, { agent, ...(memory !== undefined && { memory }) });
  if (memory !== undefined) await fitMemories(state);
  await noteAgent(state, agent);
  if (!stopped) return { diskNode };
  return { diskNode, ssh: context.undo.use(await logIn(state, state.machine, state.sshPort, context)) };
}

interface Taken {
  /** Whether the guest's agent answered. */
  readonly agent: boolean;
  readonly memory?: MemoryRecord;
  /** Whether the machine stood still and the SSH session was closed, so that its memory could be kept. */
  readonly stopped: boolean;
}

// QEMU first waits for what the guest is writing; where others write to the same disk, too, that takes its time.
const patiently = { timeoutMs: 120_000 };

async function freezeAndSnapshot(
  state: Reachable,
  { point, staged }: NewLayer,
  { overlay, diskNode }: { readonly overlay: string; readonly diskNode: string },
  { signal, progress }: StepContext,
): Promise<Taken> {
  const { machine: { qmp }, plan } = state;
  await using guest = await quiesce(state, signal);
  // Without an agent nobody could tell the guest the time when it wakes up.
  const stopped = guest.frozen && isWarmPoint(plan, point.step);
  if (stopped) {
    // A connection that the guest takes for open would be in the kept memory too.
    await state.ssh[Symbol.asyncDispose]();
    guest.willStop();
    await qmp.execute("stop", {}, patiently);
  }
  try {
    const request = { node: state.diskNode, overlay, overlayNode: diskNode, throwaway: true };
    await snapshotDisk(qmp, request, patiently);
    if (state.efiVars !== undefined) await Deno.copyFile(state.efiVars, staged.efiVars);
    if (!stopped) return { agent: guest.agent, stopped };
    progress("keeping the machine's memory");
    const digester = await userDigester(plan.config.paths);
    return { agent: true, stopped, memory: await saveMemory(state, staged.memory, { digester, signal }) };
  } finally {
    if (stopped) await qmp.execute("cont", {}, patiently);
  }
}

/** Whether there is an agent shows only when the system that was installed runs. */
async function noteAgent({ plan, layer }: Reachable, agent: boolean): Promise<void> {
  if (layer === undefined || !(await exists(layerFiles(plan.config.paths, layer.id).record))) return;
  await changeLayer(plan.config.paths, layer.id, (record) => ({ agent, ...record }));
}
