import type { Config } from "../config/config.ts";
import type { ImagePlaces } from "../image/images.ts";
import { ensureRuntimeDir, type Paths, registryFile, vmsDir } from "../paths.ts";

/** Where VMs are. */
export interface VmDirs {
  /** One folder for each VM that is kept. */
  readonly vmsDir: string;
  /** Sockets, pid files and logs of running VMs. */
  readonly runtimeDir: string;
}

/** Where VMs are, and what they are made from. */
export interface VmPlaces extends VmDirs {
  readonly cacheDir: string;
  readonly images: ImagePlaces;
}

/** Where a user's VMs are, without reading any configuration; makes sure of a private runtime directory. */
export async function vmDirs(paths: Paths): Promise<VmDirs> {
  return { vmsDir: vmsDir(paths), runtimeDir: await ensureRuntimeDir(paths) };
}

/** The places that the configuration names; makes sure of a private runtime directory. */
export async function vmPlaces({ paths, settings }: Config): Promise<VmPlaces> {
  return {
    ...await vmDirs(paths),
    cacheDir: paths.cacheDir,
    images: { registryPath: registryFile(paths), imageDir: settings.build.image_dir },
  };
}
