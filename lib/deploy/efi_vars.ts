import type { Architecture } from "../architecture.ts";
import { statIfThere } from "../files.ts";
import type { DeployImage } from "./target.ts";

// QEMU's edk2-i386-vars.fd, OVMF_VARS_4M.fd, and edk2-arm-vars.fd: what hypervisors bring today.
const usualBytes: Readonly<Record<Architecture, number>> = { amd64: 540_672, arm64: 67_108_864 };

/**
 * The variables of an image's firmware if another host's firmware can take them; of another size, they belong to
 * another build of it, with which the machine would not start.
 */
export async function usableVars(
  { entry, efiVars }: Pick<DeployImage, "entry" | "efiVars">,
): Promise<string | undefined> {
  if (entry.firmware !== "uefi" || efiVars === undefined) return undefined;
  return (await statIfThere(efiVars))?.size === usualBytes[entry.architecture] ? efiVars : undefined;
}
