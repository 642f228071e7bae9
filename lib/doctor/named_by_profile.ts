import { hostArchitecture } from "../architecture.ts";
import type { ConfigFolder } from "../config/folders.ts";
import { findIso, type IsoEntry } from "../iso/catalog/catalog.ts";
import { provisioningScripts } from "../profile/files.ts";
import type { LoadedProfile } from "../profile/load.ts";

/**
 * Throws when a script or the ISO that a profile names is not there.
 *
 * @param catalog undefined or empty where nothing can be said of ISOs
 */
export async function checkNamed(
  { name, value: profile }: Pick<LoadedProfile, "name" | "value">,
  folders: readonly ConfigFolder[],
  catalog: readonly IsoEntry[] | undefined,
): Promise<void> {
  await provisioningScripts(folders, name, profile.scripts ?? []);
  if (!profile.iso || catalog === undefined || catalog.length === 0) return;
  const host = hostArchitecture();
  const allowed = profile.architectures ?? [host];
  findIso(profile.iso, catalog, allowed.includes(host) ? host : allowed[0] ?? host);
}
