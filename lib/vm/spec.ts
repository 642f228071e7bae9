import type { QemuHost } from "../qemu/host.ts";
import type { MachineSpec, NetworkSpec } from "../qemu/machine_spec.ts";
import type { RuntimeFiles, VmFiles } from "../paths.ts";
import type { VmDefinition } from "./definition.ts";

/** What is decided anew at each start. */
export interface Start {
  readonly network: NetworkSpec;
  /** Port on 127.0.0.1 of the VNC display, if there is to be one. */
  readonly vncPort?: number;
  readonly files: RuntimeFiles;
  readonly folder: VmFiles;
}

/** The machine of a VM; pure. */
export function vmMachine(host: QemuHost, vm: VmDefinition, start: Start): MachineSpec {
  const { files, folder } = start;
  return {
    name: vm.name,
    memoryMiB: vm.memoryMiB,
    cpus: vm.cpus,
    disks: [
      { path: folder.disk, format: "qcow2", ...(vm.disk === "snapshot" && { throwaway: true }) },
      ...(vm.seed ? [{ path: folder.seed, format: "raw" as const, readonly: true }] : []),
    ],
    network: start.network,
    macAddress: vm.macAddress,
    ...(host.firmware !== undefined && { efiVars: folder.efiVars }),
    serial: { socket: files.serial, log: folder.serialLog },
    qmpSocket: files.qmp,
    agentSocket: files.agent,
    pidFile: files.pid,
    display: start.vncPort === undefined ? "none" : { vncPort: start.vncPort },
    shares: vm.shares,
    usb: vm.usb,
    extraArgs: vm.qemuArgs,
  };
}
