import * as v from "valibot";
import { HostError } from "../../errors.ts";
import { ProcessError, run, which } from "../../process.ts";

/** A block device, as lsblk tells of it. */
export interface BlockDevice {
  /** "/dev/sdb" */
  readonly path: string;
  /** The kernel's name: "sdb". */
  readonly name: string;
  /** "disk", "part", "loop", "rom", "crypt", "lvm", "raid1" … */
  readonly type: string;
  readonly bytes: number;
  readonly readOnly: boolean;
  readonly removable: boolean;
  readonly hotplug: boolean;
  /** "usb", "sata", "nvme" …; undefined where the device has none. */
  readonly transport: string | undefined;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly fileSystem: string | undefined;
  readonly label: string | undefined;
  readonly mountPoints: readonly string[];
  /** Partitions, and what is made of a device: encrypted volumes, LVM, RAID. */
  readonly children: readonly BlockDevice[];
}

// With NAME among them lsblk nests what is made of a device; without it all would be disks.
const columns = [
  ...["NAME", "PATH", "KNAME", "TYPE", "SIZE", "RO", "RM", "HOTPLUG", "TRAN"],
  ...["VENDOR", "MODEL", "SERIAL", "FSTYPE", "LABEL", "MOUNTPOINTS"],
];

const text = v.nullish(v.string());

interface RawDevice {
  [column: string]: unknown;
  children?: RawDevice[];
}

const rawSchema: v.GenericSchema<unknown, RawDevice> = v.looseObject({
  path: v.string(),
  kname: v.string(),
  type: v.string(),
  size: v.number(),
  ro: v.boolean(),
  rm: v.boolean(),
  hotplug: v.boolean(),
  tran: text,
  vendor: text,
  model: text,
  serial: text,
  fstype: text,
  label: text,
  mountpoints: v.array(v.nullable(v.string())),
  children: v.optional(v.array(v.lazy(() => rawSchema))),
}) as v.GenericSchema<unknown, RawDevice>;
const answerSchema = v.object({ blockdevices: v.array(rawSchema) });

/** Reads what lsblk prints; a volume over two disks stands under both. */
export function parseLsblk(json: string): readonly BlockDevice[] {
  return v.parse(answerSchema, JSON.parse(json)).blockdevices.map(device);
}

function device(raw: RawDevice): BlockDevice {
  const word = (value: unknown) =>
    typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
  const maker = [word(raw.vendor), word(raw.model)].filter((each) => each !== undefined).join(" ");
  return {
    path: raw.path as string,
    name: raw.kname as string,
    type: raw.type as string,
    bytes: raw.size as number,
    readOnly: raw.ro as boolean,
    removable: raw.rm as boolean,
    hotplug: raw.hotplug as boolean,
    transport: word(raw.tran),
    model: maker === "" ? undefined : maker,
    serial: word(raw.serial),
    fileSystem: word(raw.fstype),
    label: word(raw.label),
    mountPoints: (raw.mountpoints as (string | null)[]).filter((each) => each !== null),
    children: (raw.children ?? []).map(device),
  };
}

/** All block devices of this host, as trees. Linux only. */
export async function listBlockDevices(signal?: AbortSignal): Promise<readonly BlockDevice[]> {
  if (Deno.build.os !== "linux" || await which("lsblk") === undefined) throw cannotLook();
  const argv = ["lsblk", "--json", "--bytes", "--output", columns.join(",")];
  try {
    return parseLsblk((await run(argv, { signal })).stdout);
  } catch (error) {
    const old = error instanceof ProcessError && /unknown column/.test(error.stderr);
    throw old ? cannotLook(error) : error;
  }
}

// 2.37 is the first to tell all the places where a device is mounted.
function cannotLook(cause?: unknown): HostError {
  return new HostError("Disks can only be looked at on Linux with lsblk (util-linux 2.37 or later)", {
    cause,
    hint: "Name the folder where the stick is mounted, such as /Volumes/Ventoy.",
  });
}

/** A device and all that is made of it. */
export function withChildren(device: BlockDevice): readonly BlockDevice[] {
  return [device, ...device.children.flatMap(withChildren)];
}

/** The partitions of a disk. */
export function partitionsOf(disk: BlockDevice): readonly BlockDevice[] {
  return disk.children.filter(({ type }) => type === "part");
}

/** Whether a device is one that people carry about. */
export function isPortable({ removable, hotplug, transport }: BlockDevice): boolean {
  return removable || hotplug || transport === "usb";
}
