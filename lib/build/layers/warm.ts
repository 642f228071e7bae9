import { cpus } from "node:os";
import { dirname } from "node:path";
import { messageOf } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import { requireSpace } from "../../image/space.ts";
import { log } from "../../log.ts";
import { qemuArgs } from "../../qemu/args.ts";
import { parseDiskSize } from "../../qemu/disk_size.ts";
import { saveState } from "../../qemu/migration.ts";
import { buildMachine } from "../machine.ts";
import type { OnDisk, Reachable } from "../states.ts";
import type { Digester } from "./digest.ts";
import { type MemoryRecord, stampOf } from "./record.ts";
import { dropMemory, listLayers } from "./store.ts";

/** What a machine has to be to take up the state of another: QEMU, its version and argv, and the CPU under it. */
export function machineFingerprint(state: OnDisk, { digest }: Digester): string {
  const spec = buildMachine(state, { sshPort: 0 });
  // Paths and ports are each build's own, and nothing of the machine's state.
  const argv = qemuArgs(state.host, {
    ...spec,
    name: "any",
    disks: spec.disks.map((disk) => ({ ...disk, path: "disk" })),
    serial: { socket: "serial", log: "log" },
    qmpSocket: "qmp",
    agentSocket: "agent",
    ...(spec.efiVars !== undefined && { efiVars: "vars" }),
  });
  const { version, accelerator } = state.host;
  const cpu = accelerator.name === "tcg" ? "" : cpus()[0]?.model ?? "";
  return digest("machine", version.text, cpu, ...argv);
}

/** Saves the state of a stopped machine into a file; undefined, with the reason told, when it cannot be kept. */
export async function saveMemory(
  state: Reachable,
  file: string,
  options: { readonly digester: Digester; readonly signal: AbortSignal },
): Promise<MemoryRecord | undefined> {
  const { plan, workspace, machine } = state;
  const maxBytes = parseDiskSize(plan.config.settings.build.warm_size);
  try {
    await requireSpace([{
      dir: dirname(file),
      bytes: Math.min(maxBytes, plan.profile.build.memoryMiB * 1024 ** 2),
      what: "the memory of the machine",
    }]);
    await saveState(machine.qmp, {
      socket: workspace.runtime.migration,
      file,
      maxBytes,
      signal: options.signal,
    });
    return { ...await stampOf(file), fingerprint: machineFingerprint(state, options.digester) };
  } catch (error) {
    options.signal.throwIfAborted();
    log.warn(`The machine's memory is not kept, so that a rebuild has to boot: ${messageOf(error)}`);
    await removeIfThere(file);
    return undefined;
  }
}

/** Forgets the oldest states of machines until all of them fit into the room that pim.yml gives them. */
export async function fitMemories({ plan }: Pick<OnDisk, "plan">): Promise<void> {
  const { paths, settings } = plan.config;
  const warm = (await listLayers(paths))
    .filter(({ memory }) => memory !== undefined)
    .sort((a, b) => b.lastUsed.getTime() - a.lastUsed.getTime());
  let leftBytes = parseDiskSize(settings.build.warm_size);
  for (const { id, memory } of warm) {
    leftBytes -= memory?.bytes ?? 0;
    if (leftBytes < 0) await dropMemory(paths, id);
  }
}
