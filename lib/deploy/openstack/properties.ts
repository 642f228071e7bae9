import type { DeployImage } from "../target.ts";
import type { OpenstackSettings } from "./settings.ts";

const gibibyte = 1024 ** 3;
const architectures = { amd64: "x86_64", arm64: "aarch64" } as const;

/** How large the disk of a server has to be for an image, in GiB. */
export function minDiskGiB({ virtualBytes }: DeployImage["entry"]): number {
  return Math.ceil(virtualBytes / gibibyte);
}

/** Name of an image while it is not whole. */
export function partName(name: string): string {
  return `${name}.part`;
}

/** The record of a new image, in the words of the Image API; settings of the target win over what pim knows. */
export function imageRecord(
  id: string,
  name: string,
  { entry, manifest, sha256 }: DeployImage,
  { format, min_ram, properties }: OpenstackSettings,
): Record<string, unknown> {
  const own = Object.entries(properties).map(([key, value]) => [key, String(value)]);
  return {
    architecture: architectures[entry.architecture],
    os_type: "linux",
    ...(manifest !== undefined && { os_distro: manifest.system.id }),
    ...(manifest?.system.versionId !== undefined && { os_version: manifest.system.versionId }),
    hw_qemu_guest_agent: "yes",
    ...(entry.firmware === "uefi" && { hw_firmware_type: "uefi" }),
    ...(entry.firmware === "uefi" && entry.architecture === "amd64" && { hw_machine_type: "q35" }),
    ...Object.fromEntries(own),
    ...{ id, name: partName(name), disk_format: format, container_format: "bare", visibility: "private" },
    min_disk: minDiskGiB(entry),
    min_ram,
    ...{ pim_image: entry.name, pim_sha256: sha256, pim_id: id },
  };
}
