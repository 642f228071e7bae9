import { dirname, join } from "node:path";
import type { Config } from "../../config/config.ts";
import { readTextIfThere } from "../../files.ts";
import { layersDir } from "../../paths.ts";
import { backingFileOf } from "../../qemu/qcow2_header.ts";
import { listBuildFolders } from "../workspace.ts";
import type { KeptLayer } from "./record.ts";
import { chainOf } from "./store.ts";

/** Why a layer cannot be removed: who needs it. */
export type LayerUsers = ReadonlyMap<string, string>;

/**
 * The ids of the layers that something depends on, each with what that is: a build that runs, the kept disk of one that
 * failed, an image or a VM.
 *
 * @param vmsUsing the names of the VMs that use a file
 */
export async function layersInUse(
  config: Config,
  layers: readonly KeptLayer[],
  vmsUsing: (path: string) => Promise<readonly string[]>,
): Promise<LayerUsers> {
  const users = new Map<string, string>();
  const use = (id: string | undefined, user: string) => {
    const layer = layers.find((each) => each.id === id);
    if (layer === undefined) return;
    for (const each of chainOf(layer, layers)) if (!users.has(each.id)) users.set(each.id, user);
  };
  for (const { name, dir, running, files } of await listBuildFolders(config.paths)) {
    const user = running ? `the build ${name}` : `what the build ${name} left`;
    // Of a build that is over only a disk needs what it lies on.
    if (running) use(await readTextIfThere(files.layer), user);
    for (const path of await disksIn(dir)) use(await layerUnder(config, path), user);
  }
  for (const path of await disksIn(config.settings.build.image_dir)) {
    use(await layerUnder(config, path), `the image ${path}`);
  }
  for (const { id, files } of layers) {
    const [vm] = await vmsUsing(files.disk);
    if (vm !== undefined) use(id, `the VM ${vm}`);
  }
  return users;
}

async function disksIn(dir: string): Promise<string[]> {
  const disks: string[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(dir)) {
      if (isFile && name.endsWith(".qcow2")) disks.push(join(dir, name));
    }
  } catch (error) {
    // No image was built yet, or the build has ended meanwhile.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return disks;
}

/** The id of the layer that a disk lies on, if it does. */
async function layerUnder({ paths }: Config, disk: string): Promise<string | undefined> {
  const backing = await backingFileOf(disk).catch(() => undefined);
  if (backing === undefined) return undefined;
  const dir = dirname(backing);
  return dirname(dir) === layersDir(paths) ? dir.slice(layersDir(paths).length + 1) : undefined;
}
