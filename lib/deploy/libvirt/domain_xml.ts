import type { Architecture } from "../../architecture.ts";
import { pciSlot } from "../../qemu/pci_slots.ts";

/** The namespace of what pim writes into a domain's metadata. */
export const markNamespace = "urn:pim:image";

/** A domain that boots an image. */
export interface DomainSpec {
  readonly name: string;
  readonly architecture: Architecture;
  readonly type: "kvm" | "qemu";
  readonly memoryMiB: number;
  readonly cpus: number;
  /** The image, as the host of the domain knows it. */
  readonly diskPath: string;
  readonly firmware: "bios" | "uefi";
  /** The image's UEFI variables there; without them the firmware begins with its own. */
  readonly nvramPath?: string;
  /** A network of libvirt's, "bridge:NAME", "user" or "none". */
  readonly network: string;
  readonly image: { readonly name: string; readonly sha256: string; readonly created: string };
}

/**
 * The XML that defines a domain (libvirt's formatdomain), with pim's mark in its metadata. Devices sit in the PCI slots
 * that the image was built with, since the guest's name for its network card comes from there.
 */
export function domainXml(spec: DomainSpec): string {
  const { name, sha256, created } = spec.image;
  const mark = `pim:image xmlns:pim="${markNamespace}" name="${escapeXml(name)}" sha256="${sha256}"`;
  return [
    `<domain type="${spec.type}">`,
    `  <name>${escapeXml(spec.name)}</name>`,
    `  <title>${escapeXml(`${name}, built by pim`)}</title>`,
    "  <metadata>",
    `    <${mark} created="${escapeXml(created)}"/>`,
    "  </metadata>",
    `  <memory unit="MiB">${spec.memoryMiB}</memory>`,
    `  <vcpu>${spec.cpus}</vcpu>`,
    ...osXml(spec),
    spec.architecture === "amd64"
      ? "  <features><acpi/><apic/></features>"
      : "  <features><acpi/></features>",
    spec.type === "kvm"
      ? '  <cpu mode="host-passthrough" check="none"/>'
      // Since libvirt 7.1; QEMU's own default CPU is too old for some distributions.
      : '  <cpu mode="maximum" check="none"/>',
    '  <clock offset="utc"/>',
    "  <devices>",
    ...devicesXml(spec).map((line) => `    ${line}`),
    "  </devices>",
    "</domain>",
    "",
  ].join("\n");
}

function osXml({ architecture, firmware, nvramPath }: DomainSpec): string[] {
  const [arch, machine] = architecture === "amd64" ? ["x86_64", "q35"] : ["aarch64", "virt"];
  const uefi = [
    "    <firmware>",
    '      <feature enabled="no" name="enrolled-keys"/>',
    '      <feature enabled="no" name="secure-boot"/>',
    "    </firmware>",
    ...(nvramPath === undefined ? [] : [`    <nvram>${escapeXml(nvramPath)}</nvram>`]),
  ];
  return [
    firmware === "uefi" ? '  <os firmware="efi">' : "  <os>",
    `    <type arch="${arch}" machine="${machine}">hvm</type>`,
    ...(firmware === "uefi" ? uefi : []),
    '    <boot dev="hd"/>',
    "  </os>",
  ];
}

function devicesXml({ architecture, diskPath, network }: DomainSpec): string[] {
  return [
    '<disk type="file" device="disk">',
    '  <driver name="qemu" type="qcow2" discard="unmap" detect_zeroes="unmap"/>',
    `  <source file="${escapeXml(diskPath)}"/>`,
    '  <target dev="vda" bus="virtio"/>',
    `  ${addressXml(pciSlot.disks)}`,
    "</disk>",
    ...networkXml(network),
    '<controller type="virtio-serial" index="0">',
    `  ${addressXml(pciSlot.serial)}`,
    "</controller>",
    '<channel type="unix">',
    '  <target type="virtio" name="org.qemu.guest_agent.0"/>',
    "</channel>",
    '<serial type="pty"/>',
    '<console type="pty"/>',
    '<rng model="virtio">',
    '  <backend model="random">/dev/urandom</backend>',
    `  ${addressXml(pciSlot.rng)}`,
    "</rng>",
    ...(architecture === "amd64"
      ? ["<video>", '  <model type="vga"/>', `  ${addressXml(pciSlot.graphics)}`, "</video>"]
      : []),
  ];
}

function networkXml(network: string): string[] {
  if (network === "none") return [];
  const bridge = /^bridge:(.+)$/.exec(network)?.[1];
  const type = network === "user" ? "user" : bridge === undefined ? "network" : "bridge";
  return [
    `<interface type="${type}">`,
    ...(type === "user" ? [] : [`  <source ${type}="${escapeXml(bridge ?? network)}"/>`]),
    '  <model type="virtio"/>',
    `  ${addressXml(pciSlot.network)}`,
    "</interface>",
  ];
}

function addressXml(slot: number): string {
  return `<address type="pci" domain="0" bus="0" slot="0x${slot.toString(16)}" function="0"/>`;
}

/** A text as XML has it, inside an element or an attribute. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&apos;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

/** A text out of XML. */
export function unescapeXml(text: string): string {
  const characters: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  return text.replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => characters[name] ?? "");
}
