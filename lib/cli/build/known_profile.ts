import type { Config } from "../../config/config.ts";
import { UsageError } from "../../errors.ts";
import { listProfiles } from "../../profile/load.ts";
import { didYouMean } from "../../suggest.ts";

/**
 * Throws UsageError for a profile that there is not, and of which nothing is left: else a mistyped name looks as if
 * there was nothing to list or to remove.
 *
 * @param left the profiles of which something is left
 */
export async function checkKnownProfile(
  { folders }: Config,
  profile: string | undefined,
  left: readonly string[],
): Promise<void> {
  if (profile === undefined || left.includes(profile)) return;
  const profiles = await listProfiles(folders);
  if (profiles.includes(profile)) return;
  throw new UsageError(`There is no profile ${profile}`, {
    hint: didYouMean(profile, new Set([...profiles, ...left]), "Make a first configuration with: pim init"),
  });
}
