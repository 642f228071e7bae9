import { join } from "node:path";
import { type Config, loadConfig } from "../../lib/config/config.ts";
import { type Paths, userPaths } from "../../lib/paths.ts";
import { pimDirs } from "../base/pim_dirs.ts";

/** Folders of pim's own for one test. */
export interface Places extends AsyncDisposable {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly paths: Paths;
  /** Writes files into the config folder. */
  write(files: Readonly<Record<string, string>>): Promise<void>;
  config(): Promise<Config>;
}

/** Makes them, with these files in the config folder. */
export async function places(
  files: Readonly<Record<string, string>> = {},
  more: Readonly<Record<string, string>> = {},
): Promise<Places> {
  const dir = await Deno.makeTempDir({ prefix: "pim-b-" });
  const env = {
    ...pimDirs(dir),
    ...more,
  };
  const environment = new Map(Object.entries({ HOME: dir, ...env }));
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(env.PIM_CONFIG_DIR, name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
  };
  await write(files);
  return {
    dir,
    env,
    paths: userPaths(environment),
    write,
    config: () => loadConfig({ cwd: dir, env: environment }),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}
