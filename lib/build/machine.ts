import { setTimeout as sleep } from "node:timers/promises";
import { type Machine, MachineDiedError } from "../qemu/machine.ts";
import type { KernelSpec, MachineSpec } from "../qemu/machine_spec.ts";
import { SshError } from "../ssh/errors.ts";
import type { DiskReady } from "./states.ts";

/** Port of the guest's SSH server. */
export const guestSshPort = 22;

/** The machine of a build: the same for the install phase and for provisioning, so that devices keep their names. */
export function buildMachine(
  { plan, workspace, iso, disk, efiVars }: DiskReady,
  phase: { readonly install: KernelSpec } | { readonly sshPort: number },
): MachineSpec {
  const { profile } = plan;
  const installing = "install" in phase;
  return {
    name: plan.name,
    memoryMiB: profile.build.memoryMiB,
    cpus: profile.build.cpus,
    disks: [{ path: disk, format: "qcow2", throwaway: true }],
    ...(installing && { cdrom: iso.path, kernel: phase.install, noReboot: true }),
    ...(!installing && {
      network: { kind: "user", forwards: [{ hostPort: phase.sshPort, guestPort: guestSshPort }] },
    }),
    ...(efiVars !== undefined && { efiVars }),
    serial: { socket: workspace.runtime.serial, log: workspace.files.serialLog },
    qmpSocket: workspace.runtime.qmp,
    agentSocket: workspace.runtime.agent,
    extraArgs: profile.build.qemuArgs,
  };
}

/**
 * Works with the guest of a running machine. When QEMU dies the work is aborted and MachineDiedError thrown, since
 * QEMU's own last words say more than a port that closed.
 */
export async function whileRunning<T>(
  machine: Machine,
  name: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const died = new AbortController();
  const over = machine.ended.then((end) => died.abort(new MachineDiedError(name, end, machine.argv)));
  try {
    return await work(AbortSignal.any([signal, died.signal]));
  } catch (error) {
    // Connections are lost a moment before QEMU has ended.
    if (error instanceof SshError && error.kind === "lost") await atMost(2000, over);
    throw died.signal.aborted && !signal.aborted ? died.signal.reason : error;
  }
}

async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([promise, sleep(ms, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}
