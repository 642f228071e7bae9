import type { Config } from "../config/config.ts";
import type { ImagePlaces } from "../image/images.ts";
import { ensureRuntimeDir, registryFile, vmsDir } from "../paths.ts";

/** Where VMs are, and what they are made from. */
export interface VmPlaces {
  /** One folder for each VM that is kept. */
  readonly vmsDir: string;
  /** Sockets, pid files and logs of running VMs. */
  readonly runtimeDir: string;
  readonly cacheDir: string;
  readonly images: ImagePlaces;
}

/** The places that the configuration names; makes sure of a private runtime directory. */
export async function vmPlaces({ paths, settings }: Config): Promise<VmPlaces> {
  return {
    vmsDir: vmsDir(paths),
    runtimeDir: await ensureRuntimeDir(paths),
    cacheDir: paths.cacheDir,
    images: { registryPath: registryFile(paths), imageDir: settings.build.image_dir },
  };
}
