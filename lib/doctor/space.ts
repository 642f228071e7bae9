import { usualImageBytes } from "../build/steps/check_host.ts";
import { HostError } from "../errors.ts";
import { freeBytes, nearestFolder, requireSpace, type SpaceNeed } from "../image/space.ts";
import { buildsDir } from "../paths.ts";
import { configIfSound, type DoctorContext, type Finding, found, ok } from "./finding.ts";

// Ubuntu's live server ISO is of this size, Debian's network installer a quarter of it.
const largeIsoBytes = 3 * 1024 ** 3;

/** Checks that there is room for a build: its ISO, its disk and the finished image. */
export async function checkSpace(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  if (config === undefined) return [];
  const { paths, settings } = config;
  return [
    await judgeSpace([
      { dir: buildsDir(paths), bytes: usualImageBytes, what: "the disk of a build" },
      { dir: settings.build.image_dir, bytes: usualImageBytes, what: "its image" },
      { dir: settings.iso.iso_dir, bytes: largeIsoBytes, what: "an ISO" },
    ]),
  ];
}

/** Whether there is room for all of this; how much is free on each file system. */
export async function judgeSpace(needs: readonly SpaceNeed[]): Promise<Finding> {
  const name = "free space";
  try {
    await requireSpace(needs);
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return found("warning", name, error);
  }
  const { default: prettyBytes } = await import("pretty-bytes");
  const perDevice = new Map<number, string>();
  for (const { dir } of needs) {
    const { device } = await nearestFolder(dir);
    if (perDevice.has(device)) continue;
    perDevice.set(
      device,
      `${prettyBytes(await freeBytes(dir), { binary: true })} on the file system of ${dir}`,
    );
  }
  return ok(name, [...perDevice.values()].join(", "));
}
