import { isPortable, listBlockDevices, withChildren } from "./disk/block_devices.ts";
import { probe } from "./disk/probe.ts";
import { refuseDisk } from "./disk/refusal.ts";
import { versionOnStick } from "./disk/version.ts";
import { stickOn } from "./stick/find_stick.ts";

/** A disk, and what pim could do with it. */
export interface ListedDisk {
  readonly device: string;
  readonly bytes: number;
  readonly model: string | undefined;
  readonly transport: string | undefined;
  /** Whether Ventoy is on it. */
  readonly ventoy: boolean;
  readonly version: string | undefined;
  readonly content: string | undefined;
  readonly mountPoints: readonly string[];
  /** Why `prepare` would refuse it; undefined when it would not. */
  readonly refused: string | undefined;
}

/** The disks of this host: those that people carry about and those with Ventoy, or all. */
export async function listDisks(
  options: { readonly all: boolean; readonly signal?: AbortSignal },
): Promise<ListedDisk[]> {
  const listed: ListedDisk[] = [];
  for (const disk of await listBlockDevices(options.signal)) {
    if (!["disk", "loop"].includes(disk.type) || disk.bytes === 0) continue;
    const stick = await stickOn(disk);
    if (!options.all && !isPortable(disk) && stick === undefined) continue;
    const { fileSystem, label } = await probe(disk);
    listed.push({
      device: disk.path,
      bytes: disk.bytes,
      model: disk.model,
      transport: disk.transport,
      ventoy: stick !== undefined,
      version: stick && await versionOnStick(stick.boot.path),
      content: fileSystem && [fileSystem, label].filter((each) => each !== undefined).join(" "),
      mountPoints: withChildren(disk).flatMap(({ mountPoints }) => mountPoints),
      refused: refuseDisk({ device: disk, disk })?.message,
    });
  }
  return listed;
}
