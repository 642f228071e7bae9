import type { Architecture } from "../../architecture.ts";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { files, folders, live, liveOrFile, type Propose } from "../names.ts";
import type { DiskMode, Forward, VmDefinition } from "../../vm/definition.ts";

/** Flags of `pim run`. */
export interface RunFlags extends JsonFlags {
  readonly name?: string;
  readonly fresh: boolean;
  readonly disk?: DiskMode;
  readonly memory?: number;
  readonly cpus?: number;
  readonly bridged?: string;
  readonly forward?: readonly Forward[];
  readonly share?: readonly VmDefinition["shares"][number][];
  readonly usb?: readonly VmDefinition["usb"][number][];
  readonly vnc?: boolean;
  readonly userData?: string;
  readonly sshKey?: string;
  readonly qemuArg?: readonly string[];
  readonly arch?: Architecture;
  readonly firmware?: "bios" | "uefi";
  readonly console: boolean;
  readonly wait: "ssh" | "agent" | "none";
  readonly timeout: number;
}

/** A flag that takes one value and may be left out. */
function value<T>(
  parse: (text: string) => T | Promise<T>,
  placeholder: string,
  brief: string,
  proposeCompletions?: Propose,
) {
  return { kind: "parsed", parse, optional: true, placeholder, brief, proposeCompletions } as const;
}

/** A flag that may be given several times. */
function values<T>(
  parse: (text: string) => T | Promise<T>,
  placeholder: string,
  brief: string,
  proposeCompletions?: Propose,
) {
  return { ...value(parse, placeholder, brief, proposeCompletions), variadic: true } as const;
}

/** `pim run` */
export const runCommand = buildCommand<RunFlags, [string?], PimContext>({
  loader: async () => (await import("./run_impl.ts")).run,
  parameters: {
    flags: {
      ...jsonFlag,
      name: value(String, "NAME", "Name of the VM (default: that of the profile, image or file)"),
      fresh: { ...off, brief: "Throw the VM's disk away and begin anew from the image" },
      disk: {
        kind: "enum",
        values: ["overlay", "clone", "snapshot"],
        optional: true,
        brief: "A thin overlay over the image (default), a full copy of it, or nothing that is kept",
      },
      memory: value(parseMemory, "SIZE", "Memory: MiB, or such as 4G (default: build.memory)"),
      cpus: value(parseCount("CPUs"), "N", "CPUs (default: build.cpus)"),
      bridged: value(
        String,
        "IF",
        "In the host's network, by this bridge, tap or interface: --bridged[=IF]",
        live("network-interfaces"),
      ),
      forward: values(
        parseForward,
        "HOST:GUEST",
        "Port of the guest on 127.0.0.1: 8080:80, 0:80 (any free), 53:53/udp",
      ),
      share: values(parseShare, "DIR[:TAG][:ro]", "Folder for the guest to mount as 9p", folders),
      usb: values(parseUsb, "VID:PID", "USB device of the host, as lsusb names it"),
      vnc: { kind: "boolean", optional: true, brief: "A display by VNC on 127.0.0.1" },
      userData: value(String, "FILE", "user-data for cloud-init in the guest", files),
      sshKey: value(String, "FILE", "Public SSH key that cloud-init lets in", files),
      qemuArg: values(
        String,
        "ARG",
        "Word for QEMU's command line, after pim's own",
      ),
      arch: { ...archFlag, brief: "Architecture of the image: amd64 or arm64" },
      firmware: {
        kind: "enum",
        values: ["bios", "uefi"],
        optional: true,
        brief: "Firmware that an image needs which pim did not build",
      },
      console: { ...off, brief: "Show the serial console here; Ctrl-] leaves it" },
      wait: {
        kind: "enum",
        values: ["ssh", "agent", "none"],
        default: "none",
        brief: "Return when SSH or the guest agent answers",
      },
      timeout: {
        kind: "parsed",
        parse: parseCount("seconds"),
        default: "300",
        placeholder: "SECONDS",
        brief: "How long --wait may take",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "VM|PROFILE|IMAGE|FILE",
        brief: "What to run (default: the newest image)",
        proposeCompletions: liveOrFile("stopped-vms", "profiles", "images"),
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Run a VM from an image; it lives on in the background",
    fullDescription:
      "Runs a VM that is kept, or makes one from the newest image of a profile, an image or a disk file.\n" +
      "Its disk is a thin overlay that is kept until `pim rm`; what is given for a VM that is kept holds from\n" +
      "then on. SSH is forwarded from the first free port of 127.0.0.1 from 2222 on.",
    examples: {
      "pim run web --wait ssh": "The newest image of web; return when SSH answers",
      "pim run web --name w2 --memory 4G --forward 8080:80": "A second VM of it",
      "pim run disk.qcow2 --disk snapshot --console": "A disk file; nothing is kept",
    },
  },
});

async function parseMemory(text: string): Promise<number> {
  const { parseMemoryMiB } = await import("../../memory.ts");
  const memoryMiB = parseMemoryMiB(text);
  if (memoryMiB !== undefined && Number.isInteger(memoryMiB) && memoryMiB >= 64) return memoryMiB;
  throw new RangeError(`${text} is no amount of memory from 64 MiB: 2048, 512M, 4G`);
}

function parseCount(what: string): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new RangeError(`${text} is no number of ${what}`);
  };
}

/** "8080:80", "0:80" or "5353:53/udp". */
export function parseForward(text: string): Forward {
  const [, host, guest, protocol = "tcp"] = /^(\d{0,5}):(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? [];
  const [hostPort, guestPort] = [Number(host), Number(guest)];
  if (guest !== undefined && hostPort <= 65_535 && guestPort >= 1 && guestPort <= 65_535) {
    return { hostPort, guestPort, protocol: protocol === "udp" ? "udp" : "tcp" };
  }
  throw new RangeError(`${text} is no pair of ports: HOST:GUEST, such as 8080:80`);
}

/** "DIR", "DIR:TAG", "DIR:ro" or "DIR:TAG:ro"; the tag is the folder's name unless given. */
export function parseShare(text: string): VmDefinition["shares"][number] {
  const words = text.split(":");
  const readonly = words.length > 1 && words.at(-1) === "ro";
  if (readonly) words.pop();
  const [path = "", tag = path.replace(/\/+$/, "").split("/").at(-1) || "root", ...rest] = words;
  if (path === "" || rest.length > 0 || !/^[A-Za-z0-9][A-Za-z0-9._-]{0,30}$/.test(tag)) {
    throw new RangeError(
      `${text} is no share: DIR[:TAG][:ro], with a tag of at most 31 letters, digits, . _ -`,
    );
  }
  return { path, tag, readonly };
}

/** "VID:PID", as lsusb prints them. */
export function parseUsb(text: string): VmDefinition["usb"][number] {
  const [, vendorId, productId] = /^(?:0x)?([0-9a-f]{4}):(?:0x)?([0-9a-f]{4})$/i.exec(text) ?? [];
  if (vendorId !== undefined && productId !== undefined) {
    return { vendorId: vendorId.toLowerCase(), productId: productId.toLowerCase() };
  }
  throw new RangeError(
    `${text} names no USB device: VID:PID, four hexadecimal digits each, as lsusb prints them`,
  );
}
