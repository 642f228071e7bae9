import { join } from "node:path";

/** The environment of a pim whose own folders are all below one of ours. */
export interface PimDirs {
  readonly PIM_CONFIG_DIR: string;
  readonly PIM_DATA_DIR: string;
  readonly PIM_CACHE_DIR: string;
  readonly PIM_RUNTIME_DIR: string;
}

/** Names them; none is made. */
export function pimDirs(dir: string): PimDirs {
  return {
    PIM_CONFIG_DIR: join(dir, "config"),
    PIM_DATA_DIR: join(dir, "data"),
    PIM_CACHE_DIR: join(dir, "cache"),
    PIM_RUNTIME_DIR: join(dir, "run"),
  };
}
