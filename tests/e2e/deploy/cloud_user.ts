import { join } from "node:path";
import { run } from "../../../lib/process.ts";
import { pimDirs } from "../../base/pim_dirs.ts";
import type { TempDir } from "../../base/temp.ts";
import { demoImage } from "../demo_image.ts";

/** A user who has the demo's image and a copy of its project, to deploy from. */
export interface CloudUser {
  readonly env: Readonly<Record<string, string>>;
  /** The copy of the project. */
  readonly project: string;
}

/** Makes one in an empty folder, whose `config` holds the targets. */
export async function cloudUser(dir: TempDir): Promise<CloudUser> {
  const demo = await demoImage();
  await dir.write("data/.keep", "");
  const registry = "registry.yml";
  await Deno.copyFile(join(demo.env.PIM_DATA_DIR ?? "", registry), join(dir.path, "data", registry));
  const project = join(dir.path, "project");
  await run(["cp", "-r", demo.project, project]);
  return {
    env: { ...pimDirs(dir.path), PIM_BUILD_IMAGE_DIR: demo.imageDir, PIM_PROJECT: project },
    project,
  };
}
