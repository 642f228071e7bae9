import type { MachineSpec, NetworkSpec } from "./machine_spec.ts";
import { pciAddress, pciSlot } from "./pci_slots.ts";
import { optionValue } from "./platform_args.ts";

/** The network card and what it is connected to; the card has the same PCI slot on every kind of network. */
export function networkArgs(machine: MachineSpec): string[] {
  const mac = machine.macAddress === undefined ? "" : `,mac=${optionValue(machine.macAddress)}`;
  return [
    ...["-netdev", netdev(machine.network ?? { kind: "user" })],
    ...["-device", `virtio-net-pci,netdev=net0,romfile=,${pciAddress(pciSlot.network)}${mac}`],
  ];
}

function netdev(network: NetworkSpec): string {
  switch (network.kind) {
    case "user": {
      const forwards = (network.forwards ?? []).map(({ protocol = "tcp", hostPort, guestPort }) =>
        `,hostfwd=${protocol}:127.0.0.1:${hostPort}-:${guestPort}`
      );
      return `user,id=net0${forwards.join("")}`;
    }
    case "bridge": {
      const helper = network.helper === undefined ? "" : `,helper=${optionValue(network.helper)}`;
      return `bridge,id=net0,br=${optionValue(network.bridge)}${helper}`;
    }
    case "tap":
      // The device is set up by whoever made it: QEMU's own scripts would need root.
      return `tap,id=net0,ifname=${optionValue(network.interface)},script=no,downscript=no`;
    case "vmnet":
      return `vmnet-bridged,id=net0,ifname=${optionValue(network.interface)}`;
  }
}
