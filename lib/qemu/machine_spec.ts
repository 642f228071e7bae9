/** A disk of a machine; disks appear in the guest in this order, the first as /dev/vda. */
export interface DiskSpec {
  readonly path: string;
  readonly format: "qcow2" | "raw";
  readonly readonly?: boolean;
  /** The disk is thrown away when the host crashes, so nothing waits for it to be on the platter. */
  readonly throwaway?: boolean;
}

/** A TCP port of the guest that is reachable on 127.0.0.1 of the host. */
export interface ForwardSpec {
  readonly hostPort: number;
  readonly guestPort: number;
}

/** The first serial port: on a unix socket with everything also in a log, or on QEMU's own terminal. */
export type SerialSpec = { readonly socket: string; readonly log: string } | "stdio";

/** No display at all, or VNC on 127.0.0.1 at this TCP port (5900 or above). */
export type DisplaySpec = "none" | { readonly vncPort: number };

/** A kernel that QEMU starts itself, past firmware and boot loader. */
export interface KernelSpec {
  readonly kernel: string;
  readonly initrd?: string;
  readonly append: string;
}

/** One machine, as plain data; what the host can do is in QemuHost. */
export interface MachineSpec {
  readonly name: string;
  readonly memoryMiB: number;
  readonly cpus: number;
  readonly disks: readonly DiskSpec[];
  /** An ISO in the machine's CD drive. */
  readonly cdrom?: string;
  readonly kernel?: KernelSpec;
  readonly forwards?: readonly ForwardSpec[];
  /** The machine's own copy of the UEFI variables; needed when the host's firmware is UEFI. */
  readonly efiVars?: string;
  readonly serial: SerialSpec;
  readonly qmpSocket: string;
  readonly agentSocket?: string;
  /** QEMU ends when the guest reboots. */
  readonly noReboot?: boolean;
  readonly display?: DisplaySpec;
  /** A file into which QEMU writes its process id. */
  readonly pidFile?: string;
  /** Appended last, after everything that pim says itself. */
  readonly extraArgs?: readonly string[];
}
