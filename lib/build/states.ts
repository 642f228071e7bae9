import type { Installer } from "../installer/installer.ts";
import type { IsoFile } from "../iso/download.ts";
import type { QemuHost } from "../qemu/host.ts";
import type { Machine } from "../qemu/machine.ts";
import type { SeedServer } from "../serve/server.ts";
import type { KeyPair } from "../ssh/key.ts";
import type { SshSession } from "../ssh/session.ts";
import type { BuildPlan } from "./plan.ts";
import type { Workspace } from "./workspace.ts";

/** What is known when the build begins. */
export interface Planned {
  readonly plan: BuildPlan;
  readonly workspace: Workspace;
}

/** The host can run it, and there is room. */
export interface HostReady extends Planned {
  readonly host: QemuHost;
}

/** The ISO is on disk and verified. */
export interface IsoReady extends HostReady {
  readonly iso: IsoFile;
}

/** Kernel and initrd of the installer lie in the workspace. */
export interface BootReady extends IsoReady {
  readonly installer: Installer;
  readonly kernel: string;
  readonly initrd: string;
}

/** An empty disk, and UEFI variables where the machine has them. */
export interface DiskReady extends BootReady {
  readonly disk: string;
  readonly efiVars?: string;
}

/** The answer files are being served. */
export interface Served extends DiskReady {
  readonly seed: SeedServer;
  readonly buildKey: KeyPair;
}

/** The installer is done; its system is on the disk. */
export type Installed = Omit<Served, "seed">;

/** The installed system has let us in. */
export interface Reachable extends Installed {
  readonly machine: Machine;
  readonly ssh: SshSession;
}

/** The system is off, and the disk is as the image shall be. */
export type PoweredOff = Installed;

/** The image is whole, and lies in the image folder under a name that is not yet its own. */
export interface Flattened extends PoweredOff {
  /** Path of the finished qcow2. */
  readonly part: string;
  readonly imageBytes: number;
  readonly sha256: string;
}

/** The image that a build made. */
export interface BuiltImage {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}
