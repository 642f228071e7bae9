import { basename, dirname } from "node:path";
import { UsageError } from "../../errors.ts";
import { type BlockDevice, listBlockDevices } from "../disk/block_devices.ts";
import { findDevice } from "../disk/find_disk.ts";
import { partitionPlaces, type VentoyLayout, ventoyLayout } from "../disk/layout.ts";

/** A Ventoy stick: a disk of this host, or just the folder where one is mounted. */
export type Stick =
  | ({ readonly kind: "disk"; readonly name: string; readonly disk: BlockDevice } & VentoyLayout)
  | { readonly kind: "folder"; readonly name: string; readonly folder: string };

/**
 * Finds the stick that is meant: the given disk, partition or mounted folder, else the one that ventoy.device names,
 * else the only one there is. Throws {@linkcode UsageError} when none is found or several are.
 */
export async function findStick(
  given: string | undefined,
  setting: string | undefined,
  signal?: AbortSignal,
): Promise<Stick> {
  const wanted = given ?? setting;
  if (wanted !== undefined) return await namedStick(wanted, given === undefined, signal);
  return onlyStick(await findSticks(signal));
}

/** The stick that is meant when none is named. Throws {@linkcode UsageError} unless there is exactly one. */
export function onlyStick(found: readonly Stick[]): Stick {
  const [stick] = found;
  if (stick !== undefined && found.length === 1) return stick;
  throw stick === undefined
    ? new UsageError("No Ventoy stick is plugged in", {
      hint: "Make one with: pim ventoy prepare DEVICE (see the disks with: pim ventoy list)",
    })
    : new UsageError(`Which stick? There are ${found.length} with Ventoy`, {
      hint: `Name one of: ${found.map(({ name }) => name).join(", ")}`,
    });
}

async function namedStick(text: string, fromSetting: boolean, signal?: AbortSignal): Promise<Stick> {
  if (await isFolder(text)) return await mountedFolder(text);
  const { disk } = await findDevice(text, signal).catch((error) => {
    if (!fromSetting || !(error instanceof UsageError)) throw error;
    throw new UsageError(`${error.message} (ventoy.device of pim.yml)`, { cause: error, hint: error.hint });
  });
  const stick = await stickOn(disk);
  if (stick !== undefined) return stick;
  throw new UsageError(
    `${text}${
      fromSetting ? " (ventoy.device of pim.yml)" : ""
    } is no Ventoy stick: it has not Ventoy's two partitions`,
    { hint: `Make it one with: pim ventoy prepare ${disk.path}` },
  );
}

async function mountedFolder(path: string): Promise<Stick> {
  const folder = await Deno.realPath(path);
  const [own, parent] = [await Deno.stat(folder), await Deno.stat(dirname(folder))];
  if (own.dev !== parent.dev) return { kind: "folder", name: path, folder };
  throw new UsageError(`${path} is no stick: it is a folder, and nothing is mounted there`, {
    hint: "Name the device, or the folder that a stick is mounted at.",
  });
}

/** All Ventoy sticks of this host. */
export async function findSticks(signal?: AbortSignal): Promise<readonly Stick[]> {
  if (Deno.build.os === "darwin") return await mountedVolumes("/Volumes");
  const sticks = await Promise.all((await listBlockDevices(signal)).map(stickOn));
  return sticks.filter((stick) => stick !== undefined);
}

/** A disk as a stick, or undefined when Ventoy is not on it. */
export async function stickOn(disk: BlockDevice): Promise<Extract<Stick, { kind: "disk" }> | undefined> {
  const layout = ventoyLayout(await partitionPlaces(disk));
  return layout && { kind: "disk", name: disk.path, disk, ...layout };
}

/** The volumes in a folder of mounted ones, as macOS has it, that look like Ventoy's: by name, or by what is on them. */
export async function mountedVolumes(volumes: string): Promise<readonly Stick[]> {
  const sticks: Stick[] = [];
  for await (const { name } of Deno.readDir(volumes)) {
    const folder = `${volumes}/${name}`;
    const ours = /^ventoy( \d+)?$/i.test(basename(folder)) || await isFile(`${folder}/ventoy/ventoy.json`) ||
      await isFile(`${folder}/pim/stick.json`);
    if (ours) sticks.push({ kind: "folder", name: folder, folder });
  }
  return sticks.sort((a, b) => a.name.localeCompare(b.name));
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isDirectory, () => false);
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then((info) => info.isFile, () => false);
}
