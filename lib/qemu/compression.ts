import { join } from "node:path";
import { removeIfThere } from "../files.ts";
import { log } from "../log.ts";
import { ProcessError, run } from "../process.ts";
import type { ConvertSpec } from "./img_args.ts";
import type { ImgOptions } from "./img.ts";

/** How the clusters of a qcow2 file are compressed. */
export type Compression = "zstd" | "zlib" | "none";

/** What convertImage needs to know to compress in this way. */
export function compressionSpec(compression: Compression): Pick<ConvertSpec, "compress" | "options"> {
  // compression_type: since QEMU 5.1; a file with zlib is read by all before it, too.
  return compression === "none" ? {} : { compress: true, options: { compression_type: compression } };
}

/**
 * The compression that was asked for, or zlib where this QEMU was built without zstd.
 *
 * @param dir a folder for a file of a moment
 */
export async function usableCompression(
  wanted: Compression,
  { qemuImg, dir, signal }: ImgOptions & { readonly dir: string },
): Promise<Compression> {
  if (wanted !== "zstd") return wanted;
  const probe = join(dir, `.zstd-${crypto.randomUUID().slice(0, 8)}.qcow2`);
  try {
    await run([qemuImg, "create", "-q", "-f", "qcow2", "-o", "compression_type=zstd", probe, "64K"], {
      signal,
    });
    return "zstd";
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    log.debug(`zlib in place of zstd: ${error.message}`);
    return "zlib";
  } finally {
    await removeIfThere(probe);
  }
}
