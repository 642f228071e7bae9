import type { Config } from "../config/config.ts";
import { UsageError } from "../errors.ts";
import type { ImageEntry } from "../image/entry.ts";
import { openRegistry } from "../image/registry.ts";
import { compactTime } from "../image/time.ts";
import { registryFile } from "../paths.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { type BuildFolder, listBuildFolders } from "./workspace.ts";

/** A build of which something is left: its folder while it runs or after it failed, or the image that it made. */
export type FoundBuild =
  & { readonly name: string; readonly profile: string }
  & (
    | { readonly kind: "folder"; readonly folder: BuildFolder }
    | { readonly kind: "image"; readonly image: ImageEntry }
  );

/**
 * The build with this name; of a profile's builds, or of all, the one that runs, else the latest. Throws UsageError when
 * there is none.
 */
export async function findBuild(config: Config, text?: string): Promise<FoundBuild> {
  const found = await allBuilds(config);
  const meant = found.filter(({ name, profile }) => text === undefined || text === name || text === profile);
  const running = meant.findLast((each) => each.kind === "folder" && each.folder.running);
  const build = running ?? meant.at(-1);
  if (build !== undefined) return build;
  throw new UsageError(
    text === undefined ? "There is no build yet" : `There is no build of ${JSON.stringify(text)}`,
    {
      hint: didYouMean(
        text ?? "",
        new Set(found.flatMap(({ name, profile }) => [name, profile])),
        "Begin one with: pim build run PROFILE",
      ),
    },
  );
}

/** The latest failed build, of all or of what is named, whose disk was kept; throws UsageError when there is none. */
export async function findKeptDisk(config: Config, text?: string): Promise<BuildFolder> {
  const folders = (await listBuildFolders(config.paths)).filter(({ running }) => !running);
  const meant = folders.filter(({ name, profile }) =>
    text === undefined || text === name || text === profile
  );
  const kept = meant.findLast(({ hasDisk }) => hasDisk);
  if (kept !== undefined) return kept;
  const near = nearest(text ?? "", new Set(folders.flatMap(({ name, profile }) => [name, profile])));
  const howToKeep = `A build keeps its disk when it fails with: pim build run ${
    text ?? "PROFILE"
  } --on-error keep`;
  const of = text === undefined ? "" : ` of ${JSON.stringify(text)}`;
  throw new UsageError(
    meant.length === 0
      ? `There is no failed build${of}`
      : `The disk of the failed build ${meant.at(-1)?.name} was not kept`,
    { hint: (meant.length > 0 || near === undefined ? "" : `Did you mean ${near}? `) + howToKeep },
  );
}

/** Everything that is left of builds, the earliest first. */
async function allBuilds(config: Config): Promise<FoundBuild[]> {
  const registry = await openRegistry(registryFile(config.paths));
  const folders = await listBuildFolders(config.paths);
  return [
    ...registry.list().map((image): FoundBuild & { readonly time: string } => {
      const { name, profile } = image;
      return { kind: "image", name, profile, image, time: timeOf(name, new Date(image.created)) };
    }),
    ...folders.map((folder): FoundBuild & { readonly time: string } => {
      const { name, profile } = folder;
      return { kind: "folder", name, profile, folder, time: timeOf(name) };
    }),
  ].sort((a, b) => a.time.localeCompare(b.time));
}

/** When a build began, which its name ends in. */
function timeOf(name: string, otherwise = new Date(0)): string {
  return /\d{8}T\d{6}Z$/.exec(name)?.[0] ?? compactTime(otherwise);
}
