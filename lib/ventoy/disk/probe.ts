import { PimError } from "../../errors.ts";
import { run } from "../../process.ts";
import type { BlockDevice } from "./block_devices.ts";

/** What lies on a device. */
export interface Content {
  readonly fileSystem: string | undefined;
  readonly label: string | undefined;
}

/** What lies on a device: as lsblk knows it from udev, else read from the device where that is allowed. */
export async function probe(device: BlockDevice): Promise<Content> {
  if (device.fileSystem !== undefined) return { fileSystem: device.fileSystem, label: device.label };
  try {
    // 2: nothing known is on it. 8: several things are, as on a disk that had an ISO written to it.
    const { stdout } = await run(["blkid", "-p", "-o", "export", device.path], { okStatus: [0, 2, 8] });
    const value = (key: string) => new RegExp(`^${key}=(.*)$`, "m").exec(stdout)?.[1]?.replaceAll("\\ ", " ");
    return { fileSystem: value("TYPE"), label: value("LABEL") ?? value("LABEL_FATBOOT") };
  } catch (error) {
    // Only root reads devices, and on some systems only root has blkid on PATH.
    if (!(error instanceof PimError)) throw error;
    return { fileSystem: undefined, label: undefined };
  }
}
