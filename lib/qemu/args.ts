import { PimError } from "../errors.ts";
import type { QemuHost } from "./host.ts";
import type { DiskSpec, DisplaySpec, MachineSpec, SerialSpec } from "./machine_spec.ts";
import { acceleratorArgs, machineType, optionValue } from "./platform_args.ts";

export type * from "./machine_spec.ts";

// One PCI layout for every phase of an image's life: the guest's name for its network card (enp0s2)
// comes from the slot, and an installer writes it down. Slots from 0x10 on are free for extra arguments.
const slot = { vga: "0x1", nic: "0x2", serial: "0x3", rng: "0x4", scsi: "0x5", usb: "0x6", firstDisk: 8 };
const maxDisks = 8;

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
    ...displayArgs(host, machine.display ?? "none"),
    ...networkArgs(machine),
    ...serialArgs(machine.serial),
    ...controlArgs(machine),
    ...["-object", "rng-builtin,id=rng0"],
    ...["-device", `virtio-rng-pci,rng=rng0,addr=${slot.rng}`],
    ...cdromArgs(host, machine),
    ...diskArgs(machine.disks),
    ...kernelArgs(machine),
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

function displayArgs(host: QemuHost, display: DisplaySpec): string[] {
  // The VGA card is always there on amd64, so that a screenshot can be taken of a machine without display.
  const card = host.architecture === "amd64" ? [`VGA,addr=${slot.vga}`] : [];
  if (display === "none") return ["-display", "none", ...card.flatMap((device) => ["-device", device])];
  const devices = [
    ...(host.architecture === "amd64" ? card : [`virtio-gpu-pci,addr=${slot.vga}`]),
    `qemu-xhci,id=usb0,addr=${slot.usb}`,
    "usb-kbd,bus=usb0.0",
    "usb-tablet,bus=usb0.0",
  ];
  // QEMU counts VNC displays from port 5900.
  return ["-vnc", `127.0.0.1:${display.vncPort - 5900}`, ...devices.flatMap((device) => ["-device", device])];
}

function networkArgs(machine: MachineSpec): string[] {
  const forwards = (machine.forwards ?? []).map((forward) =>
    `,hostfwd=tcp:127.0.0.1:${forward.hostPort}-:${forward.guestPort}`
  );
  return [
    ...["-netdev", `user,id=net0${forwards.join("")}`],
    ...["-device", `virtio-net-pci,netdev=net0,romfile=,addr=${slot.nic}`],
  ];
}

function serialArgs(serial: SerialSpec): string[] {
  const chardev = serial === "stdio"
    ? "stdio,id=serial0,signal=off"
    : `${socket("serial0", serial.socket)},logfile=${optionValue(serial.log)},logappend=on`;
  return ["-chardev", chardev, "-serial", "chardev:serial0"];
}

function controlArgs(machine: MachineSpec): string[] {
  const agent = machine.agentSocket === undefined ? [] : [
    ...["-device", `virtio-serial-pci,id=ports0,addr=${slot.serial}`],
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

function cdromArgs(host: QemuHost, machine: MachineSpec): string[] {
  if (machine.cdrom === undefined) return [];
  const node = `node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=${
    optionValue(machine.cdrom)
  }`;
  // The disk comes first in the boot order: an empty one falls through to the CD.
  const boot = "drive=cdrom0,bootindex=100";
  const devices = host.architecture === "amd64"
    ? [`ide-cd,bus=ide.0,${boot}`]
    : [`virtio-scsi-pci,id=scsi0,addr=${slot.scsi}`, `scsi-cd,bus=scsi0.0,${boot}`];
  return ["-blockdev", node, ...devices.flatMap((device) => ["-device", device])];
}

function diskArgs(disks: readonly DiskSpec[]): string[] {
  if (disks.length > maxDisks) {
    throw new PimError(`Cannot give a machine ${disks.length} disks: there is room for ${maxDisks}`);
  }
  return disks.flatMap((disk, index) => {
    const node = `disk${index}`;
    const options = [
      `node-name=${node}`,
      `driver=${disk.format}`,
      ...(disk.readonly ? ["read-only=on"] : ["discard=unmap", "detect-zeroes=unmap"]),
      ...(disk.throwaway ? ["cache.direct=off", "cache.no-flush=on"] : []),
      "file.driver=file",
      `file.filename=${optionValue(disk.path)}`,
    ];
    const address = `0x${(slot.firstDisk + index).toString(16)}`;
    // bootindex 0 is taken by the kernel that QEMU starts itself.
    return [
      ...["-blockdev", options.join(",")],
      ...["-device", `virtio-blk-pci,drive=${node},addr=${address},bootindex=${index + 1}`],
    ];
  });
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
