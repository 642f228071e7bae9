import { dirname, resolve } from "node:path";
import { exists } from "../files.ts";
import { filesOfVm, vmFolders } from "../paths.ts";
import { backingFileOf } from "../qemu/qcow2_header.ts";
import { readDefinition } from "./definition.ts";
import type { VmDirs } from "./places.ts";
import { isRunning, listVms, type Vm } from "./vms.ts";

/**
 * The names of the VMs whose disks lie over this file or are it, however many layers are between: those that run, that
 * are kept, or that are being made.
 */
export async function vmsUsing(dirs: VmDirs, path: string): Promise<string[]> {
  const file = await identityOf(path);
  if (file === undefined) return [];
  const users = await Promise.all((await listVms(dirs)).map(async (vm) => {
    for (const disk of await disksOf(dirs, vm)) {
      if (await liesOver(disk, file)) return [vm.name];
    }
    return [];
  }));
  return users.flat();
}

/** Where to begin looking: a VM's disks, or its image as long as it has none. */
async function disksOf(dirs: VmDirs, vm: Vm): Promise<string[]> {
  const { part, replaced } = vmFolders(dirs.vmsDir, vm.name);
  const made = await readDefinition(filesOfVm(part).definition).catch(() => undefined);
  const disks = [vm.folder.disk, filesOfVm(replaced).disk];
  // That of a VM that keeps nothing has no name any more; a disk that is being made has none yet.
  const mode = vm.definition?.disk;
  const uses = mode === "overlay" || (mode === "snapshot" && isRunning(vm));
  const images = [uses ? vm.definition?.image.path : undefined, made?.image.path];
  const there = await Promise.all(disks.map(exists));
  return [...disks.filter((_, index) => there[index]), ...images.filter((each) => each !== undefined)];
}

async function liesOver(disk: string, file: string): Promise<boolean> {
  // A chain of layers is as short as people's patience; this ends one that a mistake has closed to a ring.
  let path: string | undefined = disk;
  for (let layers = 0; path !== undefined && layers < 100; layers++) {
    if (await identityOf(path) === file) return true;
    path = await backingFile(path);
  }
  return false;
}

async function backingFile(path: string): Promise<string | undefined> {
  const name = await backingFileOf(path).catch(() => undefined);
  return name && resolve(dirname(path), name);
}

/** Device and inode: the same for every path that leads to a file. */
async function identityOf(path: string): Promise<string | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  return info && `${info.dev} ${info.ino}`;
}
