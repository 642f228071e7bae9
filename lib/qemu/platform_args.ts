import type { Architecture } from "../architecture.ts";

/** What runs the guest's instructions. */
export type AcceleratorName = "kvm" | "hvf" | "tcg";

/** A value inside a QEMU option: commas are doubled, as QEMU's option parser wants them. */
export function optionValue(value: string): string {
  return value.replaceAll(",", ",,");
}

/** The value of `-machine` for a guest: q35, or virt with the newest interrupt controller there is. */
export function machineType(architecture: Architecture, accelerator: AcceleratorName): string {
  if (architecture === "amd64") return "q35";
  // Many arm64 hosts have no GICv2 for their guests, which is virt's default. Under HVF the default is the safe one.
  return accelerator === "hvf" ? "virt" : "virt,gic-version=max";
}

// All that QEMU can emulate, less what slows a guest down and gives it nothing under emulation. Together they are a
// quarter of a boot: string instructions are emulated byte by byte, where the kernel moves words without them; a fifth
// level of page tables is one more to walk; guarding user memory doubles what QEMU has to look up at each system call.
const emulatedCpu: Readonly<Record<Architecture, string>> = {
  amd64: "max,erms=off,la57=off,smap=off",
  // Emulating ARM's own pointer authentication cipher is slow; QEMU has a quick one of its own to put there.
  arm64: "max,pauth-impdef=on",
};

/** `-accel` and `-cpu` for a guest. */
export function acceleratorArgs(architecture: Architecture, accelerator: AcceleratorName): string[] {
  if (accelerator !== "tcg") return ["-accel", accelerator, "-cpu", "host"];
  return ["-accel", "tcg,thread=multi", "-cpu", emulatedCpu[architecture]];
}
