import type { Architecture } from "../architecture.ts";
import { which } from "../process.ts";

/** What of QEMU can be missing on a host. */
export type MissingPart = "system" | "img" | "firmware";

type Packages = Record<MissingPart, Record<Architecture, string>>;

const both = (name: string): Record<Architecture, string> => ({ amd64: name, arm64: name });

/** Package managers, how each installs, and what it calls the parts of QEMU. */
const managers: readonly { program: string; install: string; packages: Packages }[] = [
  {
    program: "apt-get",
    install: "sudo apt-get install",
    packages: {
      system: { amd64: "qemu-system-x86", arm64: "qemu-system-arm" },
      img: both("qemu-utils"),
      firmware: { amd64: "ovmf", arm64: "qemu-efi-aarch64" },
    },
  },
  {
    program: "dnf",
    install: "sudo dnf install",
    packages: {
      system: { amd64: "qemu-system-x86", arm64: "qemu-system-aarch64" },
      img: both("qemu-img"),
      firmware: { amd64: "edk2-ovmf", arm64: "edk2-aarch64" },
    },
  },
  {
    program: "pacman",
    install: "sudo pacman -S",
    packages: {
      system: { amd64: "qemu-system-x86", arm64: "qemu-system-aarch64" },
      img: both("qemu-img"),
      firmware: { amd64: "edk2-ovmf", arm64: "edk2-aarch64" },
    },
  },
  {
    program: "zypper",
    install: "sudo zypper install",
    packages: {
      system: { amd64: "qemu-x86", arm64: "qemu-arm" },
      img: both("qemu-tools"),
      firmware: { amd64: "qemu-ovmf-x86_64", arm64: "qemu-uefi-aarch64" },
    },
  },
  {
    program: "apk",
    install: "sudo apk add",
    packages: {
      system: { amd64: "qemu-system-x86_64", arm64: "qemu-system-aarch64" },
      img: both("qemu-img"),
      firmware: { amd64: "ovmf", arm64: "aavmf" },
    },
  },
  {
    program: "brew",
    install: "brew install",
    // Homebrew's qemu brings its firmware and qemu-img along.
    packages: { system: both("qemu"), img: both("qemu"), firmware: both("qemu") },
  },
];

/** The command that installs parts of QEMU on a system with this package manager, or undefined for one unknown. */
export function installCommand(
  program: string,
  missing: readonly MissingPart[],
  architecture: Architecture,
): string | undefined {
  const manager = managers.find((each) => each.program === program);
  if (!manager) return undefined;
  const packages = missing.map((part) => manager.packages[part][architecture]);
  return `${manager.install} ${[...new Set(packages)].join(" ")}`;
}

/** What to type on this host to install parts of QEMU. */
export async function installHint(
  missing: readonly MissingPart[],
  architecture: Architecture,
): Promise<string> {
  for (const { program } of managers) {
    if (await which(program)) return `Install it: ${installCommand(program, missing, architecture)}`;
  }
  return "Install QEMU with the package manager of this system, or see https://www.qemu.org/download/";
}
