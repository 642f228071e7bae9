import type { Paths } from "../paths.ts";

/** Finds the names of the VMs that use a file: nothing that they lie over may be removed. */
export async function vmUsers(paths: Paths): Promise<(path: string) => Promise<string[]>> {
  const [{ vmsUsing }, { vmDirs }] = await Promise.all([
    import("../vm/image_use.ts"),
    import("../vm/places.ts"),
  ]);
  const dirs = await vmDirs(paths);
  return (path) => vmsUsing(dirs, path);
}
