import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, PimError, UsageError } from "../errors.ts";
import { exists } from "../files.ts";
import { formatArgv } from "../process.ts";

/** A folder that holds configuration: pim.yml and the `.d` folders. */
export interface ConfigFolder {
  readonly kind: "project" | "user" | "built-in";
  readonly path: string;
}

/** The reference configuration that comes with pim; its templates and scripts serve where the user has none. */
export const exampleDir: string = fileURLToPath(new URL("../../config.example/", import.meta.url));

/** The folders that pim looks in, nearest first. */
export async function configFolders(
  options: { readonly cwd: string; readonly userDir: string; readonly project?: string },
): Promise<ConfigFolder[]> {
  const project = options.project === undefined
    ? await findProject(options.cwd, options.userDir)
    : await namedProject(resolve(options.cwd, options.project));
  return [
    ...(project === undefined ? [] : [{ kind: "project" as const, path: project }]),
    { kind: "user", path: options.userDir },
    { kind: "built-in", path: exampleDir },
  ];
}

async function namedProject(folder: string): Promise<string> {
  if (await exists(join(folder, "pim.yml"))) return folder;
  throw new UsageError(`${folder} is not a project: there is no pim.yml in it`, {
    hint: `Make it one with: ${formatArgv(["pim", "init", folder])}`,
  });
}

/** The nearest folder at or above `cwd` with a pim.yml of its own, or undefined. */
async function findProject(cwd: string, userDir: string): Promise<string | undefined> {
  for (let folder = resolve(cwd);; folder = dirname(folder)) {
    if (folder !== resolve(userDir) && await exists(join(folder, "pim.yml"))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** A file found in one of the folders. */
export interface FoundFile {
  readonly path: string;
  readonly folder: ConfigFolder;
}

/** The first of these names that exists, each looked for in every folder before the next name is tried. */
export async function findFile(
  folders: readonly ConfigFolder[],
  subfolder: string,
  names: readonly string[],
): Promise<FoundFile | undefined> {
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder.path, subfolder, name);
      if (await exists(path)) return { path, folder };
    }
  }
  return undefined;
}

/** The names of the files in a `.d` folder, sorted; none when there is no such folder. */
export async function listFolder(folder: ConfigFolder, subfolder: string, ending: RegExp): Promise<string[]> {
  const path = join(folder.path, subfolder);
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) {
      if (!entry.isDirectory && !entry.name.startsWith(".") && ending.test(entry.name)) {
        names.push(entry.name);
      }
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) return [];
    throw new PimError(`Cannot read the folder ${path}: ${messageOf(cause)}`, { cause });
  }
  return names.sort();
}
