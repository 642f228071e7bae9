import { PimError } from "../errors.ts";
import type { QemuHost } from "./host.ts";
import type { DiskSpec, MachineSpec, ShareSpec, UsbSpec } from "./machine_spec.ts";
import { maxDisks, maxShares, pciAddress, pciSlot } from "./pci_slots.ts";
import { optionValue } from "./platform_args.ts";

/** The graphics card, VNC if wanted, and the USB devices. */
export function displayArgs(host: QemuHost, machine: MachineSpec): string[] {
  const { display = "none", usb = [] } = machine;
  const address = pciAddress(pciSlot.graphics);
  // The VGA card is always there on amd64, so that a screenshot can be taken of a machine without display.
  const card = host.architecture === "amd64" ? [`VGA,${address}`] : [];
  if (display === "none") return ["-display", "none", ...devices([...card, ...usbDevices([], usb)])];
  return [
    // QEMU counts VNC displays from port 5900.
    ...["-vnc", `127.0.0.1:${display.vncPort - 5900}`],
    ...devices(host.architecture === "amd64" ? card : [`virtio-gpu-pci,${address}`]),
    ...devices(usbDevices(["usb-kbd,bus=usb0.0", "usb-tablet,bus=usb0.0"], usb)),
  ];
}

const maxUsb = 8;

function usbDevices(own: readonly string[], fromHost: readonly UsbSpec[]): string[] {
  if (own.length + fromHost.length === 0) return [];
  atMost(maxUsb, fromHost.length, "USB devices of the host");
  return [
    // With all the ports there are: on the last free one QEMU would put a hub, which fast devices do not fit.
    `qemu-xhci,id=usb0,p2=15,p3=15,${pciAddress(pciSlot.usb)}`,
    ...own,
    ...fromHost.map(({ vendorId, productId }) =>
      `usb-host,bus=usb0.0,vendorid=0x${usbId(vendorId)},productid=0x${usbId(productId)}`
    ),
  ];
}

function usbId(id: string): string {
  if (/^[0-9a-f]{4}$/i.test(id)) return id.toLowerCase();
  throw new PimError(`Not an id of a USB device: ${JSON.stringify(id)} has to be four hex digits`);
}

/** The CD drive, when there is an ISO to put in it. */
export function cdromArgs(host: QemuHost, machine: MachineSpec): string[] {
  if (machine.cdrom === undefined) return [];
  const node = `node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=${
    optionValue(machine.cdrom)
  }`;
  // The disk comes first in the boot order: an empty one falls through to the CD.
  const boot = "drive=cdrom0,bootindex=100";
  const drive = host.architecture === "amd64"
    ? [`ide-cd,bus=ide.0,${boot}`]
    : [`virtio-scsi-pci,id=scsi0,${pciAddress(pciSlot.scsi)}`, `scsi-cd,bus=scsi0.0,${boot}`];
  return ["-blockdev", node, ...devices(drive)];
}

/** The disks, each with the node name disk0, disk1 … and a slot of its own; throws when they are too many. */
export function diskArgs(disks: readonly DiskSpec[]): string[] {
  atMost(maxDisks, disks.length, "disks");
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
    const address = pciAddress(pciSlot.disks + index);
    // bootindex 0 is taken by the kernel that QEMU starts itself.
    return [
      ...["-blockdev", options.join(",")],
      ...["-device", `virtio-blk-pci,drive=${node},${address},bootindex=${index + 1}`],
    ];
  });
}

// virtio-9p: the tag is one of the device's configuration bytes.
const maxTagBytes = 31;

/** The shared folders, each in a slot of its own; throws when they are too many or a tag is too long or used twice. */
export function shareArgs(shares: readonly ShareSpec[]): string[] {
  atMost(maxShares, shares.length, "shared folders");
  return shares.flatMap(({ path, tag, readonly }, index) => {
    const bytes = new TextEncoder().encode(tag).length;
    if (bytes === 0 || bytes > maxTagBytes) {
      throw new PimError(
        `Cannot share ${path} as ${JSON.stringify(tag)}: a tag has 1 to ${maxTagBytes} bytes`,
      );
    }
    if (shares.findIndex((other) => other.tag === tag) < index) {
      throw new PimError(`Cannot share two folders as ${tag}: the guest could mount only one of them`);
    }
    const options = [
      `local,id=share${index}`,
      `path=${optionValue(path)}`,
      // Files are the host's own in both directions. The mapped models keep owners and symbolic links in attributes
      // that nothing else on the host understands, and show the host's own links wrong (QEMU issue 173).
      "security_model=none",
      // A folder with other file systems mounted in it has equal inode numbers, which a guest takes for the same file.
      "multidevs=remap",
      ...(readonly ? ["readonly=on"] : []),
    ];
    const address = pciAddress(pciSlot.shares + index);
    return [
      ...["-fsdev", options.join(",")],
      ...["-device", `virtio-9p-pci,fsdev=share${index},mount_tag=${optionValue(tag)},${address}`],
    ];
  });
}

function devices(options: readonly string[]): string[] {
  return options.flatMap((option) => ["-device", option]);
}

function atMost(room: number, count: number, what: string): void {
  if (count > room) throw new PimError(`Cannot give a machine ${count} ${what}: there is room for ${room}`);
}
