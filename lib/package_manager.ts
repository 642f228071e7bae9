import { which } from "./process.ts";

/** The package managers that pim knows, and how each installs; in the order in which they are looked for. */
const installers = {
  "apt-get": "apt-get install",
  dnf: "dnf install",
  pacman: "pacman -S",
  zypper: "zypper install",
  apk: "apk add",
  brew: "brew install",
} as const;

/** A package manager, by the name of its program. */
export type PackageManager = keyof typeof installers;

/** The package manager of this host, or undefined when it is one unknown. */
export async function findPackageManager(): Promise<PackageManager | undefined> {
  for (const manager of Object.keys(installers) as PackageManager[]) {
    if (await which(manager) !== undefined) return manager;
  }
  return undefined;
}

/** The command that installs packages with this package manager; a small system that is used as root has no sudo. */
export function installWith(
  manager: PackageManager,
  packages: readonly string[],
  uid: number | null = Deno.uid(),
): string {
  const sudo = manager === "brew" || uid === 0 ? "" : "sudo ";
  return `${sudo}${installers[manager]} ${[...new Set(packages)].join(" ")}`;
}
