import { which } from "../../lib/process.ts";
import type { QemuHost } from "../../lib/qemu/host.ts";

/** This host with its QEMU as pim finds it, without the time that a test of accelerators takes. */
export async function realHost(): Promise<QemuHost> {
  return {
    platform: "linux",
    architecture: "amd64",
    hostArchitecture: "amd64",
    qemu: await which("qemu-system-x86_64") ?? "qemu-system-x86_64",
    version: { major: 7, minor: 2, micro: 0, text: "7.2.0" },
    qemuImg: await which("qemu-img") ?? "qemu-img",
    accelerator: { name: "tcg", reason: "a test" },
  };
}
