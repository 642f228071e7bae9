import { join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { log } from "../log.ts";
import { type Environment, homeDir, type Paths, userPaths } from "../paths.ts";
import { didYouMean } from "../suggest.ts";
import { type ConfigFolder, configFolders } from "./folders.ts";
import { get, isTree, type Layer, mergeLayers, type Tree } from "./merge.ts";
import {
  builtInSettings,
  environmentLayers,
  misspeltVariables,
  pathSettings,
  settingKeys,
  type Settings,
  settingsSchema,
} from "./settings.ts";
import { validate } from "./validate.ts";
import { parseYaml } from "./yaml.ts";

/** Everything that configuration decides. */
export interface Config {
  readonly paths: Paths;
  /** Where configuration is looked for, nearest first. */
  readonly folders: readonly ConfigFolder[];
  readonly settings: Settings;
  /** Dotted key of each setting -> where its value came from. */
  readonly sources: ReadonlyMap<string, string>;
}

/** Options of {@linkcode loadConfig}. */
export interface LoadOptions {
  readonly cwd: string;
  readonly env: Environment;
  /** A project folder named by the user; otherwise it is searched from `cwd` upwards. */
  readonly project?: string;
}

/** Reads and merges pim.yml: built-in < user < project < environment. All problems are reported together. */
export async function loadConfig(options: LoadOptions): Promise<Config> {
  const paths = userPaths(options.env);
  const folders = await configFolders({
    cwd: options.cwd,
    userDir: paths.configDir,
    project: options.project ?? (options.env.get("PIM_PROJECT") || undefined),
  });
  const layers: Layer[] = [builtInSettings(paths)];
  // Nearest folders come first in the list and last in the merge.
  for (const folder of folders.filter((each) => each.kind !== "built-in").reverse()) {
    layers.push(await readSettings(folder.path, homeDir(options.env)));
  }
  layers.push(
    ...environmentLayers(options.env).map((layer) => ({
      ...layer,
      value: withAbsolutePaths(layer.value, options.cwd, homeDir(options.env)),
    })),
  );
  const merged = mergeLayers<Tree>(layers);
  for (const problem of misspeltVariables(options.env)) log.warn(problem);
  return {
    paths,
    folders,
    settings: validate(settingsSchema, merged.value, merged.where),
    sources: merged.sources,
  };
}

async function readSettings(folder: string, home: string): Promise<Layer> {
  const file = join(folder, "pim.yml");
  const document = parseYaml((await readTextIfThere(file)) ?? "", file);
  if (!isTree(document.value)) throw new UsageError(`${file} must be a map of settings`);
  return {
    source: file,
    value: withAbsolutePaths(document.value, folder, home),
    lineOf: document.lineOf,
  };
}

/** The tree with its path settings made absolute: `~` is the home folder, the rest is relative to `folder`. */
function withAbsolutePaths(tree: Tree, folder: string, home: string): Tree {
  const absolute = (path: string) => resolve(folder, path.replace(/^~(?=$|\/)/, home));
  return pathSettings.reduce<Tree>((all, path) => withPath(all, path, absolute), tree);
}

function withPath(tree: Tree, path: readonly string[], absolute: (path: string) => string): Tree {
  const [key, ...rest] = path;
  const value = key === undefined ? undefined : tree[key];
  if (key === undefined || value === undefined) return tree;
  if (rest.length > 0) {
    return isTree(value) ? { ...tree, [key]: withPath(value, rest, absolute) } : tree;
  }
  return typeof value === "string" ? { ...tree, [key]: absolute(value) } : tree;
}

/** The effective value of a dotted key of pim.yml, for `pim config get`. */
export function getSetting(config: Config, key: string): unknown {
  const value = get(config.settings, key.split("."));
  if (value !== undefined) return value;
  const known = settingKeys().map((path) => path.join("."));
  if (known.includes(key)) return undefined;
  throw new UsageError(`There is no setting ${key}`, {
    hint: didYouMean(key, known, "There are no settings."),
  });
}
