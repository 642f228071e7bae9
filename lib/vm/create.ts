import { messageOf, PimError } from "../errors.ts";
import { exists, removeIfThere } from "../files.ts";
import { filesOfVm, vmFiles, vmFolders } from "../paths.ts";
import { createEfiVars, type Firmware } from "../qemu/firmware.ts";
import { convertImage, createOverlay } from "../qemu/img.ts";
import { type VmDefinition, writeDefinition } from "./definition.ts";
import type { VmPlaces } from "./places.ts";
import { writeSeed } from "./seed/seed.ts";
import type { Source } from "./source.ts";

/** What a new VM is made of. */
export interface NewVm {
  readonly definition: VmDefinition;
  readonly source: Source;
  /** Of a UEFI machine. */
  readonly firmware?: Firmware;
  /** Content of the NoCloud seed, by file name. */
  readonly seed?: Readonly<Record<string, string>>;
  readonly qemuImg: string;
}

/** What {@linkcode createVm} is told. */
export interface CreateOptions {
  readonly signal: AbortSignal;
  /** Called with 0 to 1 while a disk is copied. */
  readonly onProgress?: (fraction: number) => void;
}

/** A VM's folder that was made just now; disposing of it takes it back, unless it was kept. */
export interface NewFolder extends AsyncDisposable {
  keep(): Promise<void>;
}

/**
 * Makes the folder of a VM, whole or not at all; one that is there stays aside until the new one is kept. The caller
 * holds the VM's lock.
 */
export async function createVm(places: VmPlaces, vm: NewVm, options: CreateOptions): Promise<NewFolder> {
  const { definition } = vm;
  const { dir, part: partDir, replaced } = vmFolders(places.vmsDir, definition.name);
  const part = filesOfVm(partDir);
  await removeIfThere(part.dir);
  try {
    await Deno.mkdir(part.dir, { recursive: true, mode: 0o700 });
    // Before the disk: from now on the image is one that a VM uses.
    await writeDefinition(part.definition, definition);
    await makeDisk(part.disk, vm, options);
    await makeEfiVars(part.efiVars, vm);
    if (vm.seed !== undefined) await writeSeed(part.seed, vm.seed);
    if (await exists(dir)) await Deno.rename(dir, replaced);
    await Deno.rename(part.dir, dir);
  } catch (cause) {
    await removeIfThere(part.dir);
    if (cause instanceof PimError) throw cause;
    throw new PimError(`Cannot make the VM ${definition.name} in ${dir}: ${messageOf(cause)}`, { cause });
  }
  let kept = false;
  return {
    async keep() {
      kept = true;
      await removeIfThere(replaced);
    },
    async [Symbol.asyncDispose]() {
      if (kept) return;
      await removeIfThere(dir);
      if (await exists(replaced)) await Deno.rename(replaced, dir);
    },
  };
}

/** Makes the disk of a VM in its own folder, for one whose disk did not outlive its last start. */
export async function createThrowAwayDisk(
  places: VmPlaces,
  vm: NewVm,
  options: CreateOptions,
): Promise<void> {
  const files = vmFiles(places.vmsDir, vm.definition.name);
  // A guest on a new disk may make itself new host keys.
  for (const left of [files.disk, files.efiVars, files.knownHosts]) await removeIfThere(left);
  await makeDisk(files.disk, vm, options);
  await makeEfiVars(files.efiVars, vm);
}

async function makeDisk(path: string, vm: NewVm, { signal, onProgress }: CreateOptions): Promise<void> {
  const { source, qemuImg, definition } = vm;
  if (definition.disk === "clone") {
    const spec = { source: source.path, sourceFormat: source.format, target: path, format: "qcow2" };
    await convertImage(spec, { qemuImg, signal, onProgress });
  } else {
    await createOverlay(path, source.path, { qemuImg, signal, baseFormat: source.format });
  }
}

async function makeEfiVars(path: string, { source, firmware }: NewVm): Promise<void> {
  if (firmware === undefined) return;
  // What the image's own installation wrote there finds its boot loader.
  if (source.efiVars !== undefined && await exists(source.efiVars)) await Deno.copyFile(source.efiVars, path);
  else await createEfiVars(firmware, path);
}
