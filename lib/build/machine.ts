import type { KernelSpec, MachineSpec } from "../qemu/machine_spec.ts";
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
    ...(!installing && { forwards: [{ hostPort: phase.sshPort, guestPort: guestSshPort }] }),
    ...(efiVars !== undefined && { efiVars }),
    serial: { socket: workspace.runtime.serial, log: workspace.files.serialLog },
    qmpSocket: workspace.runtime.qmp,
    agentSocket: workspace.runtime.agent,
    extraArgs: profile.build.qemuArgs,
  };
}
