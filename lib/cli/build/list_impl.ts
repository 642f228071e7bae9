import { join } from "node:path";
import { briefEvent, lastEvent } from "../../build/events/build_log.ts";
import { removeLeftovers } from "../../build/leftovers.ts";
import { type BuildFolder, listBuildFolders } from "../../build/workspace.ts";
import type { Config } from "../../config/config.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { ImageInUseError, type ImagePlaces, listImages, removeImage } from "../../image/images.ts";
import { openRegistry } from "../../image/registry.ts";
import { registryFile } from "../../paths.ts";
import type { CleanFlags } from "./list.ts";
import { describeOutlook } from "./lines.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import { checkKnownProfile } from "./known_profile.ts";
import { vmUsers } from "../vm_users.ts";

/** `pim build list` */
export async function list(this: PimContext, flags: JsonFlags & { readonly long: boolean }): Promise<void> {
  const { images, unregistered } = await listImages(placesOf(await this.config()));
  if (flags.json) return this.print(JSON.stringify({ images, unregistered }, null, 2));
  if (images.length === 0) this.print("No images yet. Build one with: pim build run PROFILE");
  else if (!flags.long) this.print(images.map(({ name }) => name).join("\n"));
  else {
    const size = await sizeText();
    this.print(table(
      ["IMAGE", "SIZE", "DISK", "FIRMWARE", "VERIFIED", "ISO", "FILE"],
      images.map((image) => [
        image.name,
        image.diskBytes === undefined ? "missing" : size(image.diskBytes),
        size(image.virtualBytes),
        image.firmware,
        image.verified === undefined ? "-" : image.verified.ok ? "yes" : "failed",
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
    ["verified", verifiedText(image)],
    ["ISO", `${image.iso.key} (${image.iso.filename}) ${image.iso.checksum ?? ""}`],
    ["scripts", image.scripts.join(", ")],
    ["user", image.username],
    ["logs", image.logs.map((log) => join(imageDir, log)).join(", ")],
    ...(image.manifest === undefined ? [] : [["manifest", join(imageDir, image.manifest)]]),
    ...(image.sbom === undefined ? [] : [["SBOM", join(imageDir, image.sbom)]]),
    ...(image.key === undefined ? [] : [["key", image.key]]),
  ]));
}

function verifiedText({ name, verified }: ImageEntry): string {
  if (verified === undefined) return `not yet: pim verify ${name}`;
  return verified.ok ? verified.time : `failed at ${verified.time}`;
}

/** `pim build status` */
export async function status(this: PimContext, flags: JsonFlags): Promise<void> {
  const { paths } = await this.config();
  const folders = await Promise.all((await listBuildFolders(paths)).map(async (each) => ({
    ...each,
    step: await lastWords(each),
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
  const usersOf = await vmUsers(config.paths);
  const done: Cleaned = { removed: [], kept: [] };
  const places = placesOf(config);
  const images = (await openRegistry(places.registryPath)).list();
  const folders = await listBuildFolders(config.paths);
  await checkKnownProfile(config, profile, [...images, ...folders].map((each) => each.profile));
  for (const folder of folders) {
    if (folder.running || (profile !== undefined && folder.profile !== profile)) continue;
    // The kept disk of a failed build can be run, to look at what went wrong.
    const vms = await usersOf(folder.files.disk);
    if (vms.length > 0) done.kept.push({ path: folder.dir, vms });
    else {
      if (!flags.dryRun) await removeLeftovers(folder, config.paths, places.imageDir);
      done.removed.push(folder.dir);
    }
  }
  if (flags.keep !== undefined) {
    for (const image of oldImages(images, flags.keep)) {
      if (profile !== undefined && image.profile !== profile) continue;
      await removeUnlessUsed(image, places, { dryRun: flags.dryRun, usersOf, done });
    }
  }
  if (flags.json) return this.print(JSON.stringify({ ...done, dryRun: flags.dryRun }, null, 2));
  for (const { path, vms } of done.kept) {
    this.process.stderr.write(`note: kept ${path}, which VMs use: ${vms.join(", ")}\n`);
  }
  if (done.removed.length === 0) return this.print("There is nothing to remove.");
  this.print(done.removed.map((path) => `${flags.dryRun ? "would remove" : "removed"} ${path}`).join("\n"));
}

interface Cleaned {
  readonly removed: string[];
  readonly kept: { readonly path: string; readonly vms: readonly string[] }[];
}

async function removeUnlessUsed(
  image: ImageEntry,
  places: ImagePlaces,
  { dryRun, usersOf, done }: {
    readonly dryRun: boolean;
    readonly usersOf: (path: string) => Promise<readonly string[]>;
    readonly done: Cleaned;
  },
): Promise<void> {
  const path = join(places.imageDir, image.file);
  try {
    if (!dryRun) await removeImage(image.name, places, usersOf);
    const vms = dryRun ? await usersOf(path) : [];
    if (vms.length > 0) done.kept.push({ path, vms });
    else done.removed.push(path);
  } catch (error) {
    if (!(error instanceof ImageInUseError)) throw error;
    done.kept.push({ path, vms: error.vms });
  }
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

async function lastWords({ files, running }: BuildFolder): Promise<string> {
  const last = await lastEvent(files.events);
  if (last === undefined) return "";
  const outlook = running ? describeOutlook(last, Date.now() - Date.parse(last.time)) : "";
  return `${briefEvent(last)}${outlook}`;
}
