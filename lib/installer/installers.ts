import type { Architecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";
import { debian } from "./debian.ts";
import { hasFile } from "./disk_info.ts";
import type { BootFiles, Installer, IsoReader, RecognisedIso } from "./installer.ts";
import { ubuntu } from "./ubuntu.ts";

/** All installer families that pim knows. */
export const installers: readonly Installer[] = [debian, ubuntu];

/** The installer of a family by its name. */
export function installerNamed(name: Installer["name"]): Installer {
  const found = installers.find((installer) => installer.name === name);
  if (found === undefined) throw new UsageError(`There is no installer family ${name}`);
  return found;
}

/** What an ISO is, asked of one family after the other; undefined when it is none that pim knows. */
export async function recogniseIso(iso: IsoReader): Promise<RecognisedIso | undefined> {
  for (const installer of installers) {
    const found = await installer.recognise(iso);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Where this ISO has the installer's kernel and initrd, or undefined when it has neither of the usual places. */
export async function findBootFiles(
  installer: Installer,
  iso: IsoReader,
  architecture: Architecture,
): Promise<BootFiles | undefined> {
  for (const files of installer.kernelPaths(architecture)) {
    if (await hasFile(iso, files.kernel) && await hasFile(iso, files.initrd)) return files;
  }
  return undefined;
}
