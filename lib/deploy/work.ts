import { removeIfThere } from "../files.ts";
import { deployDir, type Paths } from "../paths.ts";
import type { Ids } from "./target.ts";

/** Works with an empty folder of a deployment's own, which is removed at the end. The caller holds its lock. */
export async function withWorkDir<T>(
  paths: Paths,
  { target, image }: { readonly target: string; readonly image: string },
  work: (workDir: string) => Promise<T>,
): Promise<T> {
  const workDir = deployDir(paths, target, image);
  // Of a run that was killed.
  await removeIfThere(workDir);
  await Deno.mkdir(workDir, { recursive: true, mode: 0o700 });
  try {
    return await work(workDir);
  } finally {
    await removeIfThere(workDir);
  }
}

/** Ids without those that were forgotten. */
export function withoutEmpty(ids: Ids): Ids {
  return Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== ""));
}
