import type { Architecture } from "../architecture.ts";
import { findPackageManager, installWith, type PackageManager } from "../package_manager.ts";

/** What of QEMU can be missing on a host. */
export type MissingPart = "system" | "img" | "firmware";

type Packages = Record<MissingPart, Record<Architecture, string>>;

const both = (name: string): Record<Architecture, string> => ({ amd64: name, arm64: name });

/** What each package manager calls the parts of QEMU. */
const packages: Record<PackageManager, Packages> = {
  "apt-get": {
    system: { amd64: "qemu-system-x86", arm64: "qemu-system-arm" },
    img: both("qemu-utils"),
    firmware: { amd64: "ovmf", arm64: "qemu-efi-aarch64" },
  },
  dnf: {
    system: { amd64: "qemu-system-x86", arm64: "qemu-system-aarch64" },
    img: both("qemu-img"),
    firmware: { amd64: "edk2-ovmf", arm64: "edk2-aarch64" },
  },
  pacman: {
    system: { amd64: "qemu-system-x86", arm64: "qemu-system-aarch64" },
    img: both("qemu-img"),
    firmware: { amd64: "edk2-ovmf", arm64: "edk2-aarch64" },
  },
  zypper: {
    system: { amd64: "qemu-x86", arm64: "qemu-arm" },
    img: both("qemu-tools"),
    firmware: { amd64: "qemu-ovmf-x86_64", arm64: "qemu-uefi-aarch64" },
  },
  apk: {
    system: { amd64: "qemu-system-x86_64", arm64: "qemu-system-aarch64" },
    img: both("qemu-img"),
    firmware: { amd64: "ovmf", arm64: "aavmf" },
  },
  // Homebrew's qemu brings its firmware and qemu-img along.
  brew: { system: both("qemu"), img: both("qemu"), firmware: both("qemu") },
};

/** The command that installs parts of QEMU with this package manager. */
export function installCommand(
  manager: PackageManager,
  missing: readonly MissingPart[],
  architecture: Architecture,
): string {
  return installWith(manager, missing.map((part) => packages[manager][part][architecture]));
}

/** What to type on this host to install parts of QEMU. */
export async function installHint(
  missing: readonly MissingPart[],
  architecture: Architecture,
): Promise<string> {
  const manager = await findPackageManager();
  if (manager !== undefined) return `Install it: ${installCommand(manager, missing, architecture)}`;
  return "Install QEMU with the package manager of this system, or see https://www.qemu.org/download/";
}
