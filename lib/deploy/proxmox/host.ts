import type { ActionContext, TargetCheck } from "../target.ts";
import type { PveGuest } from "./guest_agent.ts";

/** A VM or a template as the cluster lists it. */
export interface PveVm {
  readonly vmid: number;
  readonly name: string;
}

/** What pim reads of a VM's configuration. */
export interface PveConfig {
  readonly description: string;
  readonly template: boolean;
  /** It is still being created or cloned, and has no notes yet. */
  readonly begun: boolean;
}

/** What goes on a long way: its signal, and how far it is. */
export type Work = Pick<ActionContext, "signal" | "progress">;

/** A Proxmox VE host as a deployment needs it, over whichever way it is reached. */
export interface PveHost extends AsyncDisposable {
  /** Name of the node that the VMs are on. */
  node(): Promise<string>;
  check(wants: { readonly verify: boolean }): Promise<readonly TargetCheck[]>;
  vms(): Promise<readonly PveVm[]>;
  /** The configuration of a VM of this node, or undefined when there is no such VM. */
  config(vmid: number): Promise<PveConfig | undefined>;
  nextId(): Promise<number>;
  /** Bytes that are free for the image on its way and for its disk; undefined where nobody tells. */
  room(): Promise<{ readonly upload?: number; readonly disk?: number }>;
  /** What a file that is brought there under this name is called by `import-from`. */
  sourceOf(fileName: string): string;
  /** Brings a file there, and has it compared with its SHA-256. */
  upload(path: string, fileName: string, sha256: string, work: Work): Promise<void>;
  /** Those of these sources that are there, with their sizes. */
  uploaded(sources: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Removes a source; one that is gone is no error. */
  discard(source: string): Promise<void>;
  /**
   * Creates a VM, disks and all.
   *
   * @param onTask called with what the host calls the work, as soon as it has begun
   */
  create(
    vmid: number,
    parameters: Readonly<Record<string, string>>,
    work: Work,
    onTask: (task: string) => Promise<void>,
  ): Promise<void>;
  /** Ends work that an interrupted deployment has begun, and waits for its end. */
  stopTask(task: string): Promise<void>;
  toTemplate(vmid: number): Promise<void>;
  /** Makes a linked clone of a template: a VM that only has what it writes itself. */
  clone(template: number, vmid: number, parameters: Readonly<Record<string, string>>): Promise<void>;
  start(vmid: number): Promise<void>;
  /** Ends a VM as pulling the plug does. */
  stop(vmid: number): Promise<void>;
  running(vmid: number): Promise<boolean>;
  /** The guest agent of a VM. */
  guest(vmid: number): PveGuest;
  /** Destroys a VM that is off, with its disks. */
  destroy(vmid: number): Promise<void>;
}
