import { type BlockDevice, partitionsOf } from "../disk/block_devices.ts";
import { findDevice } from "../disk/find_disk.ts";
import { type DiskIdentity, identityOf } from "../disk/identity.ts";
import { checkMayWrite } from "../disk/may_write.ts";
import { probe } from "../disk/probe.ts";
import { versionOnStick } from "../disk/version.ts";
import { stickOn } from "../stick/find_stick.ts";

/** A partition as it is shown before it is erased. */
export interface PartitionView {
  readonly path: string;
  readonly bytes: number;
  readonly fileSystem: string | undefined;
  readonly label: string | undefined;
}

/** A disk that may be made a Ventoy stick, and what is on it now. */
export interface Inspected {
  readonly disk: BlockDevice;
  readonly identity: DiskIdentity;
  readonly partitions: readonly PartitionView[];
  /** The Ventoy that is on it already; its version where that can be read. */
  readonly ventoy: { readonly version: string | undefined } | undefined;
  /** The name of the ISO that was written over the whole disk, as `dd` does. */
  readonly rawIso: string | undefined;
}

/** Looks at a disk that is to be made a stick; throws when it must not be written to. */
export async function inspectDisk(
  path: string,
  options: { readonly allowFixed?: boolean; readonly signal?: AbortSignal },
): Promise<Inspected> {
  const found = await findDevice(path, options.signal);
  await checkMayWrite(found, options);
  const { disk } = found;
  const partitions = await Promise.all(
    partitionsOf(disk).map(async (device) => {
      const { fileSystem, label } = await probe(device);
      return { path: device.path, bytes: device.bytes, fileSystem, label };
    }),
  );
  const whole = await probe(disk);
  const stick = await stickOn(disk);
  return {
    disk,
    identity: await identityOf(disk),
    partitions,
    ventoy: stick && { version: await versionOnStick(stick.boot.path) },
    rawIso: whole.fileSystem === "iso9660" ? whole.label ?? "without a name" : undefined,
  };
}
