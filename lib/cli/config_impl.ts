import { getSetting } from "../config/config.ts";
import { get as valueAt, isTree } from "../config/merge.ts";
import { settingKeys } from "../config/settings.ts";
import { findRuntimeDir, registryFile } from "../paths.ts";
import type { PimContext } from "./context.ts";
import type { JsonFlags } from "./flags.ts";
import { table } from "./table.ts";

/** `pim config show` */
export async function show(this: PimContext, flags: JsonFlags): Promise<void> {
  const config = await this.config();
  if (flags.json) {
    this.print(
      JSON.stringify({ settings: config.settings, sources: Object.fromEntries(config.sources) }, null, 2),
    );
    return;
  }
  const valueOf = (key: string) => valueAt(config.settings, key.split("."));
  const given = [...config.sources].filter(([key]) => !isEmptyMap(valueOf(key)));
  const others = settingKeys().map((path) => path.join(".")).filter((key) => valueOf(key) === undefined);
  const rows = [
    ...given.map(([key, source]) => [key, display(valueOf(key)), source]),
    ...others.map((key) => [key, "-", "not set"]),
  ]
    .sort(([a], [b]) => String(a).localeCompare(String(b)));
  this.print(table(["SETTING", "VALUE", "FROM"], rows));
}

/** `pim config get KEY` */
export async function get(this: PimContext, flags: JsonFlags, key: string): Promise<void> {
  const value = getSetting(await this.config(), key);
  this.print(flags.json ? JSON.stringify(value ?? null) : display(value));
}

/** `pim config path` */
export async function path(this: PimContext, flags: JsonFlags): Promise<void> {
  const { paths, folders, settings } = await this.config();
  const places = {
    project: folders.find((each) => each.kind === "project")?.path ?? null,
    config: paths.configDir,
    images: settings.build.image_dir,
    registry: registryFile(paths),
    isos: settings.iso.iso_dir,
    cache: paths.cacheDir,
    runtime: await findRuntimeDir(paths) ?? null,
  };
  if (flags.json) this.print(JSON.stringify(places, null, 2));
  else {this.print(
      table(["WHAT", "FOLDER"], Object.entries(places).map(([what, place]) => [what, place ?? "(none)"])),
    );}
}

function isEmptyMap(value: unknown): boolean {
  return isTree(value) && Object.keys(value).length === 0;
}

function display(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
