import type { VmDefinition } from "./definition.ts";
import type { Source } from "./source.ts";

/** What every new VM made from an image begins with: a card of its own in a user network, and nothing besides. */
export function newDefinition(
  name: string,
  source: Omit<Source, "vmName">,
  machine: Pick<VmDefinition, "disk" | "memoryMiB" | "cpus" | "guestSshPort">,
): VmDefinition {
  const { image } = source;
  return {
    version: 1,
    name,
    created: new Date().toISOString(),
    image: {
      path: source.path,
      format: source.format,
      ...(image !== undefined && { name: image.name, profile: image.profile }),
    },
    architecture: source.architecture,
    firmware: source.firmware,
    ...machine,
    macAddress: randomMac(),
    network: { kind: "user", forwards: [] },
    shares: [],
    usb: [],
    vnc: false,
    seed: false,
    qemuArgs: [],
  };
}

/** An address of the range that QEMU's are from, unlike that of any other VM in the same network. */
function randomMac(): string {
  const tail = crypto.getRandomValues(new Uint8Array(3));
  return ["52", "54", "00", ...Array.from(tail, (byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
