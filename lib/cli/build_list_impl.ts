import { join } from "node:path";
import { removeLeftovers } from "../build/leftovers.ts";
import { listBuildFolders } from "../build/workspace.ts";
import type { Config } from "../config/config.ts";
import { type ImagePlaces, listImages, removeImage } from "../image/images.ts";
import { openRegistry } from "../image/registry.ts";
import { registryFile } from "../paths.ts";
import type { CleanFlags } from "./build.ts";
import type { PimContext } from "./context.ts";
import type { JsonFlags } from "./flags.ts";
import { table } from "./table.ts";

/** `pim build list` */
export async function list(this: PimContext, flags: JsonFlags & { readonly long: boolean }): Promise<void> {
  const { images, unregistered } = await listImages(placesOf(await this.config()));
  if (flags.json) return this.print(JSON.stringify({ images, unregistered }, null, 2));
  if (images.length === 0) this.print("No images yet. Build one with: pim build run PROFILE");
  else if (!flags.long) this.print(images.map(({ name }) => name).join("\n"));
  else {
    const size = await sizeText();
    this.print(table(
      ["IMAGE", "SIZE", "DISK", "FIRMWARE", "ISO", "FILE"],
      images.map((image) => [
        image.name,
        image.diskBytes === undefined ? "missing" : size(image.diskBytes),
        size(image.virtualBytes),
        image.firmware,
        image.iso.key,
        image.path,
      ]),
    ));
  }
  for (const { path } of unregistered) this.process.stderr.write(`note: ${path} is not in the registry\n`);
}

/** `pim build show PROFILE|IMAGE` */
export async function show(this: PimContext, flags: JsonFlags, name: string): Promise<void> {
  const config = await this.config();
  const { imageDir, registryPath } = placesOf(config);
  const image = (await openRegistry(registryPath)).get(name);
  if (flags.json) return this.print(JSON.stringify({ ...image, path: join(imageDir, image.file) }, null, 2));
  const size = await sizeText();
  this.print(table(["WHAT", "VALUE"], [
    ["image", image.name],
    ["profile", image.profile],
    ["architecture", `${image.architecture}, ${image.firmware}`],
    ["file", join(imageDir, image.file)],
    ["size", `${size(image.bytes)} of a ${size(image.virtualBytes)} disk`],
    ["sha256", image.sha256 ?? ""],
    ["built", image.created],
    ["ISO", `${image.iso.key} (${image.iso.filename}) ${image.iso.checksum ?? ""}`],
    ["scripts", image.scripts.join(", ")],
    ["user", image.username],
    ["logs", image.logs.map((log) => join(imageDir, log)).join(", ")],
  ]));
}

/** `pim build status` */
export async function status(this: PimContext, flags: JsonFlags): Promise<void> {
  const { paths } = await this.config();
  const folders = await Promise.all((await listBuildFolders(paths)).map(async (each) => ({
    ...each,
    step: await lastLine(each.files.buildLog),
  })));
  if (flags.json) return this.print(JSON.stringify(folders, null, 2));
  if (folders.length === 0) return this.print("No build is running, and none has left anything behind.");
  this.print(table(
    ["BUILD", "STATE", "LAST"],
    folders.map((each) => [
      each.name,
      each.running ? "running" : each.hasDisk ? "failed, disk kept" : "failed",
      each.step,
    ]),
  ));
}

/** `pim build clean [PROFILE]` */
export async function clean(this: PimContext, flags: CleanFlags, profile?: string): Promise<void> {
  const config = await this.config();
  const removed: string[] = [];
  const places = placesOf(config);
  for (const folder of await listBuildFolders(config.paths)) {
    if (folder.running || (profile !== undefined && folder.profile !== profile)) continue;
    if (!flags.dryRun) await removeLeftovers(folder, config.paths, places.imageDir);
    removed.push(folder.dir);
  }
  if (flags.keep !== undefined) {
    for (const image of oldImages((await openRegistry(places.registryPath)).list(), flags.keep)) {
      if (profile !== undefined && image.profile !== profile) continue;
      if (!flags.dryRun) await removeImage(image.name, places);
      removed.push(join(places.imageDir, image.file));
    }
  }
  if (flags.json) return this.print(JSON.stringify({ removed, dryRun: flags.dryRun }, null, 2));
  if (removed.length === 0) return this.print("There is nothing to remove.");
  this.print(removed.map((path) => `${flags.dryRun ? "would remove" : "removed"} ${path}`).join("\n"));
}

/** All but the newest `keep` of each profile and architecture; the list is oldest first. */
function oldImages<T extends { readonly profile: string; readonly architecture: string }>(
  images: readonly T[],
  keep: number,
): T[] {
  const groups = Map.groupBy(images, ({ profile, architecture }) => `${profile} ${architecture}`);
  return [...groups.values()].flatMap((group) => group.slice(0, Math.max(0, group.length - keep)));
}

function placesOf(config: Config): ImagePlaces {
  return { registryPath: registryFile(config.paths), imageDir: config.settings.build.image_dir };
}

async function sizeText(): Promise<(bytes: number) => string> {
  const { default: prettyBytes } = await import("pretty-bytes");
  return (bytes) => prettyBytes(bytes, { binary: true });
}

async function lastLine(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trimEnd().split("\n").at(-1) ?? "";
  } catch {
    return "";
  }
}
