import type { QemuHost } from "../../lib/qemu/host.ts";
import type { MachineSpec } from "../../lib/qemu/machine_spec.ts";

/** UEFI firmware as a host could have it. */
export const ovmf = {
  codePath: "/fw/code.fd",
  codeFormat: "raw",
  varsTemplate: "/fw/vars.fd",
  varsFormat: "raw",
  requiresSmm: false,
} as const;

/** A Linux host for amd64 guests with BIOS. */
export const linux: QemuHost = {
  platform: "linux",
  architecture: "amd64",
  hostArchitecture: "amd64",
  qemu: "/usr/bin/qemu-system-x86_64",
  version: { major: 8, minor: 2, micro: 1, text: "8.2.1" },
  qemuImg: "/usr/bin/qemu-img",
  accelerator: { name: "tcg", reason: "a test" },
};

/** A Linux host for arm64 guests. */
export const arm: QemuHost = {
  ...linux,
  architecture: "arm64",
  qemu: "/usr/bin/qemu-system-aarch64",
  firmware: { ...ovmf, codeFormat: "qcow2", varsFormat: "qcow2" },
};

/** A Mac with Apple's processor for arm64 guests. */
export const mac: QemuHost = {
  ...arm,
  platform: "darwin",
  hostArchitecture: "arm64",
  qemu: "/opt/homebrew/bin/qemu-system-aarch64",
  accelerator: { name: "hvf" },
};

/** A Mac with Intel's processor for amd64 guests. */
export const intelMac: QemuHost = {
  ...linux,
  platform: "darwin",
  qemu: "/usr/local/bin/qemu-system-x86_64",
  accelerator: { name: "hvf" },
};

/** A machine with one disk and everything that every machine of pim has. */
export const machine: MachineSpec = {
  name: "web",
  memoryMiB: 2048,
  cpus: 2,
  disks: [{ path: "/d/a.qcow2", format: "qcow2" }],
  network: { kind: "user", forwards: [{ hostPort: 40022, guestPort: 22 }] },
  efiVars: "/d/vars",
  serial: { socket: "/r/web.serial", log: "/r/web.serial.log" },
  qmpSocket: "/r/web.qmp",
  agentSocket: "/r/web.ga",
};

/** The CPU model of amd64 guests under software emulation. */
export const emulatedCpu = "max,erms=off,la57=off,smap=off";
