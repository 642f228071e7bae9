import { setTimeout as sleep } from "node:timers/promises";
import { type Machine, MachineDiedError } from "../qemu/machine.ts";
import type { KernelSpec, MachineSpec } from "../qemu/machine_spec.ts";
import { QmpClosedError } from "../qemu/qmp_error.ts";
import { SshError } from "../ssh/errors.ts";
import { firstError } from "./first_error.ts";
import type { OnDisk } from "./states.ts";

/** Port of the guest's SSH server. */
export const guestSshPort = 22;

/** What the machine of a build is to do. */
export type Phase =
  /** Start an installer from this kernel, with this ISO in the drive, and end when it reboots. */
  | { readonly install: KernelSpec; readonly cdrom: string }
  /** Start the installed system, or wait for the state of one that ran already. */
  | { readonly sshPort: number; readonly incoming?: boolean };

/** The machine of a build: the same for the install phase and for provisioning, so that devices keep their names. */
export function buildMachine({ plan, workspace, disk, efiVars }: OnDisk, phase: Phase): MachineSpec {
  const { profile } = plan;
  return {
    name: plan.name,
    memoryMiB: profile.build.memoryMiB,
    cpus: profile.build.cpus,
    disks: [{ path: disk, format: "qcow2", throwaway: true }],
    generationId: true,
    ...("install" in phase ? { cdrom: phase.cdrom, kernel: phase.install, noReboot: true } : {
      network: { kind: "user", forwards: [{ hostPort: phase.sshPort, guestPort: guestSshPort }] },
      incoming: phase.incoming ?? false,
    }),
    ...(efiVars !== undefined && { efiVars }),
    serial: { socket: workspace.runtime.serial, log: workspace.files.serialLog },
    qmpSocket: workspace.runtime.qmp,
    agentSocket: workspace.runtime.agent,
    extraArgs: profile.build.qemuArgs,
  };
}

/**
 * Works with a running machine or its guest. When QEMU dies the work is aborted and MachineDiedError thrown, since
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
  } catch (thrown) {
    const error = firstError(thrown);
    // Connections are lost a moment before QEMU has ended.
    const lost = error instanceof SshError ? error.kind === "lost" : error instanceof QmpClosedError;
    if (lost) await atMost(2000, over);
    throw died.signal.aborted && !signal.aborted ? died.signal.reason : error;
  }
}

async function atMost(ms: number, promise: Promise<void>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([promise, sleep(ms, undefined, { signal: enough.signal }).catch(() => {})]);
  enough.abort();
}
