import { PimError } from "../errors.ts";
import { cdromArgs, diskArgs, displayArgs, shareArgs } from "./device_args.ts";
import type { QemuHost } from "./host.ts";
import type { MachineSpec, SerialSpec } from "./machine_spec.ts";
import { networkArgs } from "./network_args.ts";
import { pciAddress, pciSlot } from "./pci_slots.ts";
import { acceleratorArgs, machineType, optionValue } from "./platform_args.ts";

export type * from "./machine_spec.ts";

/** The whole argv of a machine, QEMU's path first; pure, in a fixed order. */
export function qemuArgs(host: QemuHost, machine: MachineSpec): string[] {
  return [
    host.qemu,
    ...["-name", `guest=${optionValue(machine.name)}`],
    "-nodefaults",
    "-no-user-config",
    ...platformArgs(host, machine),
    ...["-smp", `cpus=${machine.cpus}`],
    ...["-m", `${machine.memoryMiB}M`],
    ...["-rtc", "base=utc"],
    ...displayArgs(host, machine),
    ...networkArgs(machine),
    ...serialArgs(machine.serial),
    ...controlArgs(machine),
    ...["-object", "rng-builtin,id=rng0"],
    ...["-device", `virtio-rng-pci,rng=rng0,${pciAddress(pciSlot.rng)}`],
    ...generationArgs(host, machine),
    ...cdromArgs(host, machine),
    ...diskArgs(machine.disks),
    ...shareArgs(machine.shares ?? []),
    ...kernelArgs(machine),
    ...(machine.incoming ? ["-S", "-incoming", "defer"] : []),
    ...(machine.noReboot ? ["-no-reboot"] : []),
    ...(machine.pidFile === undefined ? [] : ["-pidfile", machine.pidFile]),
    ...(machine.extraArgs ?? []),
  ];
}

function platformArgs(host: QemuHost, machine: MachineSpec): string[] {
  const type = machineType(host.architecture, host.accelerator.name);
  const accelerator = acceleratorArgs(host.architecture, host.accelerator.name);
  const firmware = host.firmware;
  if (firmware === undefined) return ["-machine", type, ...accelerator];
  if (machine.efiVars === undefined) {
    throw new PimError(`Cannot start ${machine.name}: a UEFI machine needs a file for its variables`);
  }
  const flash = (node: string, format: string, path: string, readonly: boolean) => [
    "-blockdev",
    `node-name=${node},driver=${format},read-only=${readonly ? "on" : "off"},` +
    `file.driver=file,file.filename=${optionValue(path)}`,
  ];
  return [
    ...["-machine", `${type},pflash0=pflash0,pflash1=pflash1${firmware.requiresSmm ? ",smm=on" : ""}`],
    ...(firmware.requiresSmm ? ["-global", "driver=cfi.pflash01,property=secure,value=on"] : []),
    ...accelerator,
    ...flash("pflash0", firmware.codeFormat, firmware.codePath, true),
    ...flash("pflash1", firmware.varsFormat, machine.efiVars, false),
  ];
}

function serialArgs(serial: SerialSpec): string[] {
  const log = `logfile=${optionValue(serial.log)},logappend=on`;
  return ["-chardev", `${socket("serial0", serial.socket)},${log}`, "-serial", "chardev:serial0"];
}

function controlArgs(machine: MachineSpec): string[] {
  const agent = machine.agentSocket === undefined ? [] : [
    ...["-device", `virtio-serial-pci,id=ports0,${pciAddress(pciSlot.serial)}`],
    ...["-chardev", socket("agent0", machine.agentSocket)],
    ...["-device", "virtserialport,bus=ports0.0,nr=1,chardev=agent0,name=org.qemu.guest_agent.0"],
  ];
  return [
    ...["-chardev", socket("qmp0", machine.qmpSocket)],
    ...["-mon", "chardev=qmp0,mode=control"],
    ...agent,
  ];
}

function socket(id: string, path: string): string {
  return `socket,id=${id},path=${optionValue(path)},server=on,wait=off`;
}

function generationArgs(host: QemuHost, machine: MachineSpec): string[] {
  // QEMU has the device for ACPI on x86 only.
  return machine.generationId && host.architecture === "amd64" ? ["-device", "vmgenid,guid=auto"] : [];
}

function kernelArgs(machine: MachineSpec): string[] {
  if (machine.kernel === undefined) return [];
  const { kernel, initrd, append } = machine.kernel;
  return [
    ...["-kernel", kernel],
    ...(initrd === undefined ? [] : ["-initrd", initrd]),
    ...["-append", append],
  ];
}
