import { HostError } from "../errors.ts";
import { exists, lockFile, tryLockFile } from "../files.ts";
import { log } from "../log.ts";
import { buildLock } from "../paths.ts";
import { removeLeftovers } from "./leftovers.ts";
import type { BuildPlan } from "./plan.ts";
import { listBuildFolders } from "./workspace.ts";

/** What happens when the profile is being built by somebody else. */
export interface TurnOptions {
  readonly signal: AbortSignal;
  /** Fail at once instead of waiting for its end. */
  readonly noWait?: boolean;
  /** Called once when there is somebody to wait for. */
  readonly onWait?: () => void;
}

/**
 * Waits until no other build of the same profile and architecture runs, and keeps others waiting until disposed of.
 * What a build left whose pim was killed is removed.
 */
export async function takeTurn(plan: BuildPlan, options: TurnOptions): Promise<AsyncDisposable> {
  const { config: { paths, settings }, profile, architecture } = plan;
  const path = buildLock(paths, profile.name, architecture);
  const lock = options.noWait
    ? await tryLockFile(path)
    : await lockFile(path, options.onWait, options.signal);
  if (lock === undefined) {
    throw new HostError(`The profile ${profile.name} is being built already`, {
      hint: "Look at it with: pim build status. Without --no-wait this build waits for its turn.",
    });
  }
  for (const folder of await listBuildFolders(paths)) {
    const sameWork = folder.profile === profile.name && folder.architecture === architecture;
    // A build that failed says why in a file; a pim that was killed could not.
    if (!sameWork || folder.running || await exists(folder.files.reason)) continue;
    log.debug(`Removing what the killed build ${folder.name} left`);
    await removeLeftovers(folder, paths, settings.build.image_dir);
  }
  return lock;
}
