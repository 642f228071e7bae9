import { dirname } from "node:path";
import { CancelledError, messageOf } from "../errors.ts";
import { checkImage, convertImage } from "../qemu/img.ts";
import { hashFile } from "../hash.ts";
import { DeployError } from "./deploy_error.ts";
import { conversion, type DiskFormat } from "./formats.ts";
import type { ActionContext, DeployImage } from "./target.ts";

/** How a disk is written. */
export interface ConvertOptions extends Pick<ActionContext, "signal" | "progress"> {
  readonly qemuImg: string;
  readonly format: DiskFormat;
  /** Where the format can. */
  readonly compress: boolean;
}

/**
 * Writes an image in another format to a new file. Throws a DeployError when the image is not what was built, or when
 * what was written is not sound; nothing stays of it then.
 */
export async function writeConverted(
  image: DeployImage,
  target: string,
  { qemuImg, signal, progress, format, compress }: ConvertOptions,
): Promise<void> {
  await requireUnchanged(image, signal);
  const { name, bytes } = image.entry;
  const fail = (why: string, cause?: unknown) =>
    new DeployError(`Cannot write ${name} as ${format}: ${why}`, {
      cause,
      hint: `It needs as much room as the image takes: see df ${dirname(target)}`,
    });
  try {
    await convertImage(
      { source: image.path, target, ...conversion(format, compress) },
      { qemuImg, signal, onProgress: (fraction) => progress(fraction * bytes, bytes) },
    );
    // Raw disks have no structure to check, and VHD's is not known to qemu-img.
    const check = await checkImage(target, { qemuImg, signal });
    if (check.corruptions + check.errors > 0) throw fail("qemu-img finds faults in what it has written");
  } catch (cause) {
    if (cause instanceof CancelledError || cause instanceof DeployError) throw cause;
    throw fail(messageOf(cause), cause);
  }
}

/** Throws a DeployError when the image's file is not what was built. */
export async function requireUnchanged(image: DeployImage, signal: AbortSignal): Promise<void> {
  const found = await hashFile(image.path, "sha256", { signal });
  if (found !== image.sha256) throw changedError(image, found);
}

/** The error for an image whose file is not what was built; `found` is its SHA-256, where that is known. */
export function changedError({ entry, path }: DeployImage, found = "another"): DeployError {
  return new DeployError(
    `Cannot deploy ${entry.name}: ${path} is not what was built (its SHA-256 is ${found})`,
    { hint: `Build it again: pim build run ${entry.profile} --force` },
  );
}
