import { readTextIfThere } from "../../files.ts";
import { type BlockDevice, partitionsOf } from "./block_devices.ts";

/** A partition as the kernel counts it: in sectors of 512 bytes, whatever the disk's own are. */
export interface PartitionPlace {
  readonly device: BlockDevice;
  readonly startSector: number;
  readonly sectors: number;
}

/** The two partitions of a Ventoy stick. */
export interface VentoyLayout {
  /** Where the ISOs are. */
  readonly data: BlockDevice;
  /** Ventoy's own, VTOYEFI. */
  readonly boot: BlockDevice;
}

const dataStart = 2048;
const bootSectors = 65_536;

/**
 * Takes a disk for a Ventoy stick by the same signs as Ventoy itself (is_disk_contains_ventoy in its ventoy_lib.sh): the
 * first partition begins at sector 2048 and the second has 32 MiB.
 */
export function ventoyLayout(places: readonly PartitionPlace[]): VentoyLayout | undefined {
  const [data, boot] = places.toSorted((a, b) => a.startSector - b.startSector);
  if (data?.startSector !== dataStart || boot?.sectors !== bootSectors) return undefined;
  return { data: data.device, boot: boot.device };
}

/** Where the partitions of a disk lie, from sysfs. */
export async function partitionPlaces(disk: BlockDevice): Promise<PartitionPlace[]> {
  return await Promise.all(
    partitionsOf(disk).map(async (device) => ({
      device,
      startSector: Number(await readTextIfThere(`/sys/class/block/${device.name}/start`) ?? NaN),
      sectors: device.bytes / 512,
    })),
  );
}
