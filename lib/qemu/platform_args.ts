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

/** `-accel` and `-cpu` for a guest. */
export function acceleratorArgs(architecture: Architecture, accelerator: AcceleratorName): string[] {
  if (accelerator !== "tcg") return ["-accel", accelerator, "-cpu", "host"];
  // Emulating ARM's own pointer authentication cipher is slow; QEMU has a quick one of its own to put there.
  const cpu = architecture === "arm64" ? "max,pauth-impdef=on" : "max";
  return ["-accel", "tcg,thread=multi", "-cpu", cpu];
}
