import { type PimError, UsageError } from "../../errors.ts";
import { type BlockDevice, isPortable, withChildren } from "./block_devices.ts";
import type { FoundDevice } from "./find_disk.ts";

const system = /^\/(boot|usr|home|var|etc|opt|nix)?(\/|$)/;

/** Why a device must not be written to, as an error to throw; undefined when it may. */
export function refuseDisk(
  { device, disk }: FoundDevice,
  options: { readonly allowFixed?: boolean } = {},
): PimError | undefined {
  const refuse = (why: string, hint = "Choose another disk: pim ventoy list") =>
    new UsageError(`${device.path} is not written to: ${why}`, { hint });
  if (device.type === "part") {
    return refuse(`it is a partition of ${disk.path}`, `Name the whole disk: ${disk.path}`);
  }
  if (device !== disk || !["disk", "loop"].includes(disk.type)) {
    return refuse(`it is no disk but of type ${device.type}`);
  }
  const used = inUse(disk);
  if (used !== undefined) return refuse(used.why, used.hint);
  if (disk.bytes === 0) return refuse("it has no size: no medium is in it");
  if (disk.readOnly) {
    return refuse("it is read-only", "Slide its write protection switch, or choose another one.");
  }
  if (!isPortable(disk) && !options.allowFixed) {
    return refuse(
      "it is built in: neither USB nor removable",
      "If it really is the one, say so with --allow-fixed.",
    );
  }
  return undefined;
}

function inUse(disk: BlockDevice): { why: string; hint?: string } | undefined {
  const all = withChildren(disk);
  const mounts = all.flatMap((each) => each.mountPoints.map((at) => ({ path: each.path, at })));
  const own = mounts.find(({ at }) => at === "[SWAP]" || system.test(at));
  if (own !== undefined) {
    const what = own.at === "[SWAP]"
      ? `swaps to ${own.path}`
      : `runs from it: ${own.path} is mounted at ${own.at}`;
    return { why: `this system ${what}` };
  }
  if (mounts.length > 0) {
    return {
      why: mounts.map(({ path, at }) => `${path} is mounted at ${at}`).join(", "),
      hint: `Unmount it first: ${mounts.map(({ path }) => `sudo umount ${path}`).join("; ")}`,
    };
  }
  const holder = all.find((each) => each !== disk && each.type !== "part");
  return holder &&
    { why: `${holder.path} (${holder.type}) is made of it`, hint: `Close ${holder.path} first.` };
}
