import type { ConvertSpec } from "../qemu/img_args.ts";

/** Formats in which hypervisors take disks, by the names that people know them by. */
export const diskFormats = ["qcow2", "raw", "vmdk", "vhdx", "vhd"] as const;

/** Format of a deployed disk. */
export type DiskFormat = (typeof diskFormats)[number];

/** What qemu-img has to be told to write a disk in a format, compressed where that is wanted and possible. */
export function conversion(
  format: DiskFormat,
  compress: boolean,
): Omit<ConvertSpec, "source" | "target"> {
  return { sourceFormat: "qcow2", ...written(format, compress) };
}

function written(format: DiskFormat, compress: boolean): Omit<ConvertSpec, "source" | "target"> {
  switch (format) {
    case "qcow2":
      // zlib: what reads qcow2 and is not QEMU mostly knows no other compression.
      return compress ? { format, compress } : { format };
    case "raw":
      return { format };
    case "vmdk":
      // The only subformat that ESXi and clouds import; it is compressed by nature.
      return { format, compress: true, options: { subformat: "streamOptimized" } };
    case "vhdx":
      return { format, options: { subformat: "dynamic" } };
    case "vhd":
      // force_size: Hyper-V and Azure read the exact size, not one rounded to a disk's geometry.
      return { format: "vpc", options: { subformat: "dynamic", force_size: "on" } };
  }
}

/** What is asked for of a disk besides its format. */
export function formOf({ compress }: { readonly compress: boolean }): string {
  return compress ? "compressed" : "not compressed";
}
