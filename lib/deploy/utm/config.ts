import { createHash } from "node:crypto";
import type { Architecture } from "../../architecture.ts";
import type { DeployImage } from "../target.ts";
import type { PlistValue } from "./plist.ts";

/** What a bundle's entry in targets.d says of its machine. */
export interface UtmMachine {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly network: "shared" | "emulated" | "host";
}

// UTM's own defaults for these two machines (UTMQemuConfiguration*.swift), but for a faster network card.
const hardware: Readonly<Record<Architecture, Readonly<Record<string, string>>>> = {
  amd64: { architecture: "x86_64", target: "q35", display: "virtio-vga" },
  arm64: { architecture: "aarch64", target: "virt", display: "virtio-ramfb" },
};

const networkModes = { shared: "Shared", emulated: "Emulated", host: "Host" } as const;

/** A UUID that is the same for the same image under the same name: UTM knows a machine by it. */
export function machineUuid({ sha256 }: Pick<DeployImage, "sha256">, name: string): string {
  const digest = createHash("sha256").update(`${sha256} ${name}`).digest("hex");
  const variant = (Number.parseInt(digest.slice(16, 17), 16) & 0x3 | 0x8).toString(16);
  return [
    digest.slice(0, 8),
    digest.slice(8, 12),
    `8${digest.slice(13, 16)}`,
    `${variant}${digest.slice(17, 20)}`,
    digest.slice(20, 32),
  ].join("-").toUpperCase();
}

/** How a bundle of pim's is told from others: this line is among its notes. */
export function utmMark({ entry, sha256 }: Pick<DeployImage, "entry" | "sha256">): string {
  return `pim image ${entry.name} sha256:${sha256}`;
}

/** Name of the disk's file in the bundle's folder Data. */
export function diskName(uuid: string): string {
  return `${uuid}.qcow2`;
}

/** The config.plist of a bundle: version 4 of UTM's configuration, for its QEMU backend. */
export function utmConfig(image: DeployImage, machine: UtmMachine): PlistValue {
  const uuid = machineUuid(image, machine.name);
  const { architecture = "", target = "", display = "" } = hardware[image.entry.architecture];
  return {
    Backend: "QEMU",
    ConfigurationVersion: 4,
    Information: { Name: machine.name, IconCustom: false, Icon: "linux", Notes: utmMark(image), UUID: uuid },
    System: {
      ...{ Architecture: architecture, Target: target, CPU: "default", CPUFlagsAdd: [], CPUFlagsRemove: [] },
      ...{ CPUCount: machine.cpus, ForceMulticore: false, MemorySize: machine.memoryMiB, JITCacheSize: 0 },
    },
    QEMU: {
      ...{ DebugLog: false, UEFIBoot: image.entry.firmware === "uefi", RNGDevice: true },
      // UTM takes the hypervisor only where the Mac has this architecture.
      ...{ BalloonDevice: false, TPMDevice: false, Hypervisor: true, TSO: false, RTCLocalTime: false },
      ...{ PS2Controller: false, AdditionalArguments: [] },
    },
    Input: { UsbBusSupport: "3.0", UsbSharing: false, MaximumUsbShare: 3 },
    Sharing: { DirectoryShareMode: "None", DirectoryShareReadOnly: false, ClipboardSharing: false },
    Display: [{
      ...{ Hardware: display, DynamicResolution: false, NativeResolution: false },
      ...{ UpscalingFilter: "Nearest", DownscalingFilter: "Linear" },
    }],
    Drive: [{
      ...{ Identifier: uuid, ImageName: diskName(uuid), ImageType: "Disk" },
      ...{ Interface: "VirtIO", InterfaceVersion: 1, ReadOnly: false },
    }],
    Network: [{
      ...{ Mode: networkModes[machine.network], Hardware: "virtio-net-pci", MacAddress: macAddress(uuid) },
      ...{ IsolateFromHost: false, PortForward: [] },
    }],
    Serial: [{
      ...{ Mode: "Terminal", Target: "Auto" },
      Terminal: { ForegroundColor: "#ffffff", BackgroundColor: "#000000", Font: "Menlo", FontSize: 12 },
    }],
    Sound: [],
  };
}

/** A locally administered address; the same for the same UUID. */
function macAddress(uuid: string): string {
  const digest = createHash("sha256").update(uuid).digest();
  const first = ((digest[0] ?? 0) & 0xfc) | 0x02;
  return [first, ...digest.subarray(1, 6)].map((byte) => byte.toString(16).padStart(2, "0").toUpperCase())
    .join(":");
}
