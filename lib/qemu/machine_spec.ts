/** A disk of a machine; disks appear in the guest in this order, the first as /dev/vda. */
export interface DiskSpec {
  readonly path: string;
  readonly format: "qcow2" | "raw";
  readonly readonly?: boolean;
  /** The disk is thrown away when the host crashes, so nothing waits for it to be on the platter. */
  readonly throwaway?: boolean;
}

/** A port of the guest that is reachable on 127.0.0.1 of the host. */
export interface ForwardSpec {
  /** Default tcp. */
  readonly protocol?: "tcp" | "udp";
  readonly hostPort: number;
  readonly guestPort: number;
}

/** What a machine's network card is connected to. */
export type NetworkSpec =
  /** A network of QEMU's own, behind the host's address: needs no rights, and only forwards lead in. */
  | { readonly kind: "user"; readonly forwards?: readonly ForwardSpec[] }
  /** A Linux bridge, joined through qemu-bridge-helper: the one at this path, or where QEMU expects it. */
  | { readonly kind: "bridge"; readonly bridge: string; readonly helper?: string }
  /** A Linux tap device that is there already and stays. */
  | { readonly kind: "tap"; readonly interface: string }
  /** The network of one of a Mac's interfaces; needs root, and QEMU 7.1. */
  | { readonly kind: "vmnet"; readonly interface: string };

/** A folder of the host that the guest can mount (virtio-9p). */
export interface ShareSpec {
  readonly path: string;
  /** The name that the guest mounts it by; at most 31 bytes. */
  readonly tag: string;
  readonly readonly?: boolean;
}

/** A USB device of the host that the guest gets, now or as soon as it is plugged in; each id has four hex digits. */
export interface UsbSpec {
  readonly vendorId: string;
  readonly productId: string;
}

/** The first serial port: on a unix socket, with everything also in a log. */
export interface SerialSpec {
  readonly socket: string;
  readonly log: string;
}

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
  /** Default: a user network without forwards. */
  readonly network?: NetworkSpec;
  /** Of the network card. QEMU gives every machine the same one, so machines on one bridge need their own. */
  readonly macAddress?: string;
  readonly shares?: readonly ShareSpec[];
  readonly usb?: readonly UsbSpec[];
  /** The machine's own copy of the UEFI variables; needed when the host's firmware is UEFI. */
  readonly efiVars?: string;
  readonly serial: SerialSpec;
  readonly qmpSocket: string;
  readonly agentSocket?: string;
  /** A number that differs at each start, so that guests resumed from one state do not share random numbers; amd64 only. */
  readonly generationId?: boolean;
  /** Begins with a state that `loadState` brings, and stands still until then and after it. */
  readonly incoming?: boolean;
  /** QEMU ends when the guest reboots. */
  readonly noReboot?: boolean;
  readonly display?: DisplaySpec;
  /** A file into which QEMU writes its process id. */
  readonly pidFile?: string;
  /** Appended last, after everything that pim says itself. */
  readonly extraArgs?: readonly string[];
}
