import { basename, dirname, join, resolve } from "node:path";
import { type Architecture, hostArchitecture } from "../architecture.ts";
import { PimError, UsageError } from "../errors.ts";
import { exists } from "../files.ts";
import type { ImageEntry } from "../image/entry.ts";
import { openRegistry } from "../image/registry.ts";
import { lastLines } from "../lines.ts";
import { missingFile } from "../missing_file.ts";
import { ProcessError } from "../process.ts";
import { imageInfo } from "../qemu/img.ts";
import type { BaseFormat } from "../qemu/img_args.ts";
import { isRunning, listVms } from "./vms.ts";
import type { VmPlaces } from "./places.ts";

/** An image that a VM can be made from. */
export interface Source {
  /** A name for a VM that is given no other. */
  readonly vmName: string;
  readonly path: string;
  readonly format: BaseFormat;
  readonly architecture: Architecture;
  readonly firmware: "bios" | "uefi";
  /** UEFI variables that belong to the image. */
  readonly efiVars?: string;
  /** Of a registered image. */
  readonly image?: ImageEntry;
}

/** What a person may say about a file that pim did not build. */
export interface SourceHints {
  readonly architecture?: Architecture;
  readonly firmware?: "bios" | "uefi";
  /** Path of qemu-img. */
  readonly qemuImg: string;
  readonly cwd: string;
  /** Whether the disk will be copied, so that nothing depends on the file later. */
  readonly clone: boolean;
}

/**
 * The image that a profile, an image or a file names; without a name the newest image of all.
 * Throws UsageError when there is none.
 */
export async function findSource(
  places: VmPlaces,
  what: string | undefined,
  hints: SourceHints,
): Promise<Source> {
  const registry = await openRegistry(places.images.registryPath);
  if (what === undefined) {
    const newest = registry.list().at(-1);
    if (newest === undefined) {
      throw new UsageError("No image was built yet", {
        hint: "Build one with: pim build run PROFILE, or name a file: pim run FILE.qcow2",
      });
    }
    return await fromRegistry(places, newest, newest.profile);
  }
  if (!looksLikeFile(what)) {
    const image = hints.architecture === undefined
      ? registry.get(what)
      : registry.newest(what, hints.architecture) ?? registry.get(what);
    return await fromRegistry(places, image, what);
  }
  const path = resolve(hints.cwd, what);
  if (!(await exists(path))) throw await missingFile(path);
  const real = await Deno.realPath(path);
  for (const image of registry.list()) {
    const known = join(places.images.imageDir, image.file);
    if (await Deno.realPath(known).catch(() => known) === real) {
      return await fromRegistry(places, image, image.name);
    }
  }
  return await fromFile(places, real, hints);
}

/** Whether the user means a file: a path, or a name that ends as disk images do. */
function looksLikeFile(what: string): boolean {
  return what.includes("/") || /\.(qcow2|img|raw)$/.test(what);
}

async function fromRegistry(places: VmPlaces, image: ImageEntry, vmName: string): Promise<Source> {
  const path = join(places.images.imageDir, image.file);
  if (!(await exists(path))) {
    throw new PimError(`The file of the image ${image.name} is missing: ${path}`, {
      hint: `Build it anew with: pim build run ${image.profile}`,
    });
  }
  return {
    vmName,
    path,
    format: image.format,
    architecture: image.architecture,
    firmware: image.firmware,
    ...(image.efiVars !== undefined && { efiVars: join(places.images.imageDir, image.efiVars) }),
    image,
  };
}

async function fromFile(places: VmPlaces, path: string, hints: SourceHints): Promise<Source> {
  await refuseDiskOfVm(places, path, hints.clone);
  const stem = basename(path).replace(/\.(qcow2|img|raw)$/, "");
  const format = await formatOf(path, hints.qemuImg);
  if (format === "raw" && path.endsWith(".qcow2")) {
    // QEMU takes whatever it does not know for a raw disk, and its machine would wait for a boot for ever.
    throw new UsageError(`${path} is no qcow2 image, although its name says so`, {
      hint: `Was it copied whole? Look at it with: qemu-img info ${path}. Name a raw disk ${stem}.raw.`,
    });
  }
  if (format !== "qcow2" && format !== "raw") {
    throw new UsageError(`${path} has the format ${format}; pim runs qcow2 and raw images`, {
      hint: `Convert it with: qemu-img convert -O qcow2 ${path} ${stem}.qcow2`,
    });
  }
  const architecture = hints.architecture ?? hostArchitecture();
  const efiVars = await efiVarsBeside(path);
  const firmware = hints.firmware ?? (efiVars !== undefined || architecture === "arm64" ? "uefi" : "bios");
  return {
    vmName: nameLike(stem),
    path,
    format,
    architecture,
    firmware,
    ...(firmware === "uefi" && efiVars !== undefined && { efiVars }),
  };
}

/** A name for a VM that is as much like a file's as such a name can be. */
function nameLike(stem: string): string {
  return stem.replaceAll(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 64) || "disk";
}

/** The variables as pim names them beside an image that it built, and beside the disk of a build or a VM. */
async function efiVarsBeside(path: string): Promise<string | undefined> {
  const beside = basename(path) === "disk.qcow2"
    ? join(dirname(path), "efi-vars.fd")
    : `${path.replace(/\.[^./]+$/, "")}.efi-vars.fd`;
  return await exists(beside) ? beside : undefined;
}

async function formatOf(path: string, qemuImg: string): Promise<string> {
  if ((await Deno.stat(path)).isDirectory) throw new UsageError(`${path} is a folder, not a disk image`);
  try {
    return (await imageInfo(path, { qemuImg })).format;
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw new UsageError(`${path} cannot be used as a disk image: ${lastLines(cause.stderr, 2)}`, { cause });
  }
}

/** A disk that a VM writes to cannot be the base of another: what is read from it would change underneath. */
async function refuseDiskOfVm(places: VmPlaces, path: string, clone: boolean): Promise<void> {
  // By what it is and not by its path: a hard link leads to the same file.
  const file = await Deno.stat(path);
  for (const vm of await listVms(places)) {
    const disk = await Deno.stat(vm.folder.disk).catch(() => undefined);
    if (disk === undefined || disk.dev !== file.dev || disk.ino !== file.ino) continue;
    if (isRunning(vm)) {
      throw new UsageError(`${path} is the disk of the VM ${vm.name}, which is running`, {
        hint: `Use that VM (pim ssh ${vm.name}), or stop it first: pim stop ${vm.name}`,
      });
    }
    if (clone) return;
    throw new UsageError(`${path} is the disk of the VM ${vm.name}`, {
      hint: `Start that VM with pim run ${vm.name}, or make a copy with --disk clone`,
    });
  }
}
