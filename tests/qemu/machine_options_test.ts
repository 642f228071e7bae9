import assert from "node:assert/strict";
import { join } from "node:path";
import type { QemuHost } from "../../lib/qemu/host.ts";
import { type Machine, startMachine } from "../../lib/qemu/machine.ts";
import type { MachineSpec } from "../../lib/qemu/machine_spec.ts";
import { freePort } from "../../lib/qemu/ports.ts";
import { which } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { arm, linux } from "./sample.ts";

const amd64 = await which("qemu-system-x86_64");
const arm64 = await which("qemu-system-aarch64");

/** Starts a real QEMU whose processor stays stopped: it takes its arguments or it does not. */
async function withMachine(
  host: QemuHost,
  options: (folder: string) => Partial<MachineSpec>,
  use: (machine: Machine, folder: string) => Promise<void>,
): Promise<void> {
  await using folder = await tempDir();
  const { path } = folder;
  await using machine = await startMachine(host, {
    name: "test",
    memoryMiB: 64,
    cpus: 1,
    disks: [],
    serial: { socket: join(path, "serial"), log: join(path, "serial.log") },
    qmpSocket: join(path, "qmp"),
    ...options(path),
    extraArgs: ["-S", "-device", "virtio-balloon-pci,addr=0x18", "-device", "virtio-rng-pci"],
  });
  await use(machine, path);
}

/** The slots of the first PCI bus that are in use, by the number in `-device …,addr=`. */
async function slots(machine: Machine): Promise<number[]> {
  const [bus] = await machine.qmp.execute("query-pci") as { devices: { slot: number }[] }[];
  return [...new Set(bus?.devices.map((each) => each.slot))];
}

const everything = (folder: string): Partial<MachineSpec> => ({
  display: { vncPort: freePort() },
  agentSocket: join(folder, "ga"),
  macAddress: "52:54:00:01:02:03",
  network: { kind: "user", forwards: [{ protocol: "udp", hostPort: freePort(), guestPort: 53 }] },
  shares: Array.from({ length: 8 }, (_, index) => ({
    path: folder,
    tag: `share number ${index}, with a comma`,
    readonly: index % 2 === 0,
  })),
  // Devices that nobody has: QEMU waits until they are plugged in.
  usb: Array.from({ length: 8 }, (_, index) => ({ vendorId: "f00d", productId: `000${index}` })),
});

for (const [host, program] of [[linux, amd64], [arm, arm64]] as const) {
  const name = `QEMU takes every option for ${host.architecture}, and leaves slots for extra arguments`;
  Deno.test({ name, ignore: program === undefined }, async () => {
    const real = { ...host, qemu: program ?? "", firmware: undefined };
    await withMachine(real, everything, async (machine) => {
      const used = await slots(machine);
      for (const slot of [1, 2, 3, 4, 6, 0x10, 0x11, 0x17, 0x18]) assert(used.includes(slot), `${slot}`);
      // No hub is among them, which QEMU puts in for want of ports.
      const usb = await machine.qmp.execute("human-monitor-command", { "command-line": "info usb" });
      assert.deepEqual(String(usb).match(/Product .*?(?=,|\r)/g), [
        "Product QEMU USB Keyboard",
        "Product QEMU USB Tablet",
        ...Array(8).fill("Product USB Host Device"),
      ]);
    });
  });
}

Deno.test({ name: "a hardware address reaches the card", ignore: amd64 === undefined }, async () => {
  const host = { ...linux, qemu: amd64 ?? "" };
  await withMachine(host, () => ({ macAddress: "52:54:00:0a:0b:0c" }), async (machine) => {
    const info = await machine.qmp.execute("human-monitor-command", { "command-line": "info network" });
    assert.match(String(info), /macaddr=52:54:00:0a:0b:0c/);
  });
});
