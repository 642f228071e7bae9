import { optionValue } from "./platform_args.ts";

/** Format of a disk image that pim writes. */
export type ImageFormat = "qcow2" | "raw";

/** Formats that a disk can have under an overlay, by QEMU's names for them. */
export const baseFormats = ["qcow2", "raw", "vmdk", "vhdx", "vpc"] as const;

/** Format of a disk under an overlay. */
export type BaseFormat = (typeof baseFormats)[number];

/** What `convert` makes of an image. */
export interface ConvertSpec {
  readonly source: string;
  /** Format of the source; without it qemu-img guesses, and takes what it does not know for raw. */
  readonly sourceFormat?: BaseFormat;
  readonly target: string;
  /** Any format qemu-img writes: "qcow2", "raw", "vmdk", "vdi", "vhdx", "vpc". */
  readonly format: string;
  /** Compresses clusters (qcow2, vmdk). */
  readonly compress?: boolean;
  /** Options of the format, such as { subformat: "streamOptimized" }. */
  readonly options?: { readonly [name: string]: string };
}

/** Argv that makes an empty disk. */
export function createDiskArgs(
  qemuImg: string,
  path: string,
  diskBytes: number,
  format: ImageFormat,
): string[] {
  return [qemuImg, "create", "-q", "-f", format, path, String(diskBytes)];
}

/** Argv that makes a qcow2 overlay over a base; `diskBytes` makes it larger than the base. */
export function createOverlayArgs(
  qemuImg: string,
  path: string,
  base: string,
  baseFormat: BaseFormat,
  diskBytes?: number,
): string[] {
  return [
    ...[qemuImg, "create", "-q", "-f", "qcow2", "-b", base, "-F", baseFormat, path],
    ...(diskBytes === undefined ? [] : [String(diskBytes)]),
  ];
}

/** Argv that makes a qcow2 overlay over a qcow2 file that is not looked at, and so may be in use or not there yet. */
export function createUnopenedOverlayArgs(
  qemuImg: string,
  path: string,
  backing: string,
  diskBytes: number,
): string[] {
  return [
    ...[qemuImg, "create", "-q", "-u", "-f", "qcow2", "-b", backing, "-F", "qcow2", path],
    String(diskBytes),
  ];
}

/** Argv that writes a whole image, backing files included, as a new one, with progress on stdout. */
export function convertArgs(qemuImg: string, spec: ConvertSpec): string[] {
  const options = Object.entries(spec.options ?? {}).map(([name, value]) => `${name}=${optionValue(value)}`);
  return [
    ...[qemuImg, "convert", "-p"],
    ...(spec.sourceFormat === undefined ? [] : ["-f", spec.sourceFormat]),
    ...["-O", spec.format],
    ...(spec.compress ? ["-c"] : []),
    ...(options.length === 0 ? [] : ["-o", options.join(",")]),
    spec.source,
    spec.target,
  ];
}

/** Argv that describes an image as JSON; `inUse` reads one that a running QEMU has open. */
export function infoArgs(qemuImg: string, path: string, inUse = false): string[] {
  return [qemuImg, "info", "--output=json", ...(inUse ? ["-U"] : []), path];
}

/** Argv that checks an image's own structure, with the result as JSON. */
export function checkArgs(qemuImg: string, path: string): string[] {
  return [qemuImg, "check", "--output=json", path];
}

/** The newest fraction (0 to 1) in what `qemu-img -p` printed: "    (12.34/100%)\r". */
export function parseProgress(text: string): number | undefined {
  const percent = [...text.matchAll(/\((\d+(?:\.\d+)?)\/100%\)/g)].at(-1)?.[1];
  return percent === undefined ? undefined : Number(percent) / 100;
}
