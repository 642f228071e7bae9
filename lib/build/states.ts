import type { ManifestVerification } from "../image/manifest.ts";
import type { Installer } from "../installer/installer.ts";
import type { IsoFile } from "../iso/download/download.ts";
import type { QemuHost } from "../qemu/host.ts";
import type { Machine } from "../qemu/machine.ts";
import type { SeedServer } from "../serve/server.ts";
import type { KeyPair } from "../ssh/key.ts";
import type { SshSession } from "../ssh/session.ts";
import type { Origin } from "./layers/keys.ts";
import type { KeptLayer } from "./layers/record.ts";
import type { BuildPlan } from "./plan.ts";
import type { GuestInventory } from "./guest/inventory.ts";
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
  readonly origin: Origin;
  readonly installer: Installer;
  readonly kernel: string;
  readonly initrd: string;
}

/** There is a disk, and UEFI variables where the machine has them. */
export interface OnDisk extends HostReady {
  /** The file that the machine writes to. */
  readonly disk: string;
  readonly efiVars?: string;
}

/** All that an installer needs lies ready. */
export interface DiskReady extends BootReady, OnDisk {}

/** The answer files are being served. */
export interface Served extends DiskReady {
  readonly seed: SeedServer;
  readonly buildKey: KeyPair;
}

/** A system is on the disk: an installer has put it there, or it is that of a layer. */
export interface Installed extends OnDisk {
  readonly origin: Origin;
  readonly buildKey: KeyPair;
  /** The layer that the disk lies on, if it does, and the layer point that it is. */
  readonly layer?: { readonly id: string; readonly step: string };
  /** The layer that this build began with. */
  readonly from?: KeptLayer;
}

/** The installed system has let us in. */
export interface Reachable extends Installed {
  readonly machine: Machine;
  readonly ssh: SshSession;
  /** On 127.0.0.1, forwarded to the guest's SSH. */
  readonly sshPort: number;
  /** QEMU's name for the disk that the machine writes to. */
  readonly diskNode: string;
}

/** What is installed in the system is known. */
export interface Inventoried extends Reachable {
  readonly inventory: GuestInventory;
}

/** The system is off, and the disk is as the image shall be. */
export interface PoweredOff extends Installed {
  readonly inventory: GuestInventory;
}

/** The image is whole, and lies in the image folder under a name that is not yet its own. */
export interface Flattened extends PoweredOff {
  /** Path of the finished qcow2. */
  readonly part: string;
  readonly imageBytes: number;
  readonly sha256: string;
  /** What booting it has shown, when it was checked. */
  readonly verification?: ManifestVerification;
}

/** The image that a build made. */
export interface BuiltImage {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}
