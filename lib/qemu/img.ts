import * as v from "valibot";
import { messageOf, PimError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { lastLines } from "../lines.ts";
import { run, start } from "../process.ts";
import {
  type BaseFormat,
  checkArgs,
  convertArgs,
  type ConvertSpec,
  createDiskArgs,
  createOverlayArgs,
  createUnopenedOverlayArgs,
  type ImageFormat,
  infoArgs,
} from "./img_args.ts";
import { parseProgress } from "./img_args.ts";
import { cancelled } from "./qmp_error.ts";

/** What is common to every use of qemu-img. */
export interface ImgOptions {
  /** Path of qemu-img, from the probed host. */
  readonly qemuImg: string;
  readonly signal?: AbortSignal;
}

/** What qemu-img knows of an image. */
export interface ImageInfo {
  readonly format: string;
  /** The size of the disk that the guest sees. */
  readonly virtualBytes: number;
  /** What it takes up on the host. */
  readonly actualBytes: number;
  /** The file under it, as an absolute path where qemu-img tells one. */
  readonly backingFile?: string;
}

/** What qemu-img found wrong inside an image; leaks waste space only. */
export interface ImageCheck {
  readonly corruptions: number;
  readonly leaks: number;
  readonly errors: number;
}

/** Makes an empty disk; throws when something is at the path already. */
export async function createDisk(
  path: string,
  diskBytes: number,
  options: ImgOptions & { readonly format?: ImageFormat },
): Promise<void> {
  await refuseExisting(path);
  await run(createDiskArgs(options.qemuImg, path, diskBytes, options.format ?? "qcow2"), {
    signal: options.signal,
  });
}

/** Makes a qcow2 overlay that holds only what differs from its base; throws when something is at the path already. */
export async function createOverlay(
  path: string,
  base: string,
  options: ImgOptions & { readonly baseFormat?: BaseFormat; readonly diskBytes?: number },
): Promise<void> {
  await refuseExisting(path);
  const argv = createOverlayArgs(
    options.qemuImg,
    path,
    base,
    options.baseFormat ?? "qcow2",
    options.diskBytes,
  );
  await run(argv, { signal: options.signal });
}

/**
 * Makes a qcow2 overlay over a qcow2 file that a running QEMU has open or that gets its name only later, so that its
 * size has to be told; throws when something is at the path already.
 */
export async function createUnopenedOverlay(
  path: string,
  backing: string,
  options: ImgOptions & { readonly diskBytes: number },
): Promise<void> {
  await refuseExisting(path);
  const { qemuImg, diskBytes, signal } = options;
  await run(createUnopenedOverlayArgs(qemuImg, path, backing, diskBytes), { signal });
}

/** Writes an image and everything under it as one new file; a target that failed half-way is removed. */
export async function convertImage(
  spec: ConvertSpec,
  options: ImgOptions & { readonly onProgress?: (fraction: number) => void },
): Promise<void> {
  const { signal, onProgress } = options;
  await refuseExisting(spec.target);
  const child = start(convertArgs(options.qemuImg, spec), {
    signal,
    onStdoutText: (text) => {
      const fraction = parseProgress(text);
      if (fraction !== undefined) onProgress?.(fraction);
    },
  });
  const end = await child.ended;
  if (end.code === 0 && !signal?.aborted) return;
  await removeIfThere(spec.target);
  if (signal?.aborted) throw cancelled(signal);
  throw new PimError(`Cannot convert ${spec.source} to ${spec.target}: ${lastLines(child.stderr(), 5)}`);
}

const infoSchema = v.object({
  format: v.string(),
  "virtual-size": v.number(),
  "actual-size": v.optional(v.number(), 0),
  "backing-filename": v.optional(v.string()),
  "full-backing-filename": v.optional(v.string()),
});

/** Describes an image; `inUse` when a running QEMU may have it open. */
export async function imageInfo(
  path: string,
  options: ImgOptions & { readonly inUse?: boolean },
): Promise<ImageInfo> {
  const { stdout } = await run(infoArgs(options.qemuImg, path, options.inUse), { signal: options.signal });
  const info = parseOutput(infoSchema, stdout, path);
  const backingFile = info["full-backing-filename"] ?? info["backing-filename"];
  return {
    format: info.format,
    virtualBytes: info["virtual-size"],
    actualBytes: info["actual-size"],
    ...(backingFile !== undefined && { backingFile }),
  };
}

const checkSchema = v.object({
  corruptions: v.optional(v.number(), 0),
  leaks: v.optional(v.number(), 0),
  "check-errors": v.optional(v.number(), 0),
});

/** Checks an image's own structure (qcow2; raw images have none to check). */
export async function checkImage(path: string, options: ImgOptions): Promise<ImageCheck> {
  // 2 and 3 stand for corruption and leaks found, 63 for a format without checks (man qemu-img).
  const result = await run(checkArgs(options.qemuImg, path), {
    signal: options.signal,
    okStatus: [0, 2, 3, 63],
  });
  if (result.code === 63) return { corruptions: 0, leaks: 0, errors: 0 };
  const check = parseOutput(checkSchema, result.stdout, path);
  return { corruptions: check.corruptions, leaks: check.leaks, errors: check["check-errors"] };
}

function parseOutput<T>(schema: v.GenericSchema<unknown, T>, text: string, path: string): T {
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    throw new PimError(`Cannot understand what qemu-img says of ${path}: ${messageOf(cause)}`, { cause });
  }
}

// qemu-img overwrites without asking.
async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch {
    return; // Free, or in a folder that is not there: qemu-img then says so.
  }
  throw new PimError(`Cannot make the image ${path}: something is there already`);
}
