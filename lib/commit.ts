import { run } from "./process.ts";

/** The commit that a pim was made from. */
export interface Commit {
  /** Its whole hash. */
  readonly hash: string;
  /** Whether files were changed since. */
  readonly changed: boolean;
  /** When it was made, as `2026-11-26T06:00:00Z`: a build of the same commit always says the same. */
  readonly date: string;
}

/**
 * The commit of a checkout, or undefined where there is no git or the folder is no checkout of its own.
 *
 * @param epoch SOURCE_DATE_EPOCH, seconds: takes the place of the commit's time.
 *   See https://reproducible-builds.org/specs/source-date-epoch.
 */
export async function readCommit(folder: string, epoch?: string): Promise<Commit | undefined> {
  // A question must not write: git would refresh its index.
  const git = (...args: string[]) =>
    run(["git", "-C", folder, ...args], { env: { GIT_OPTIONAL_LOCKS: "0", LC_ALL: "C" } });
  try {
    const [prefix, log, status] = await Promise.all([
      git("rev-parse", "--show-prefix"),
      git("log", "-1", "--no-show-signature", "--format=%H %ct"),
      git("status", "--porcelain", "--untracked-files=no"),
    ]);
    // Sources that lie in somebody else's repository do not have its commit.
    if (prefix.stdout.trim() !== "") return undefined;
    const [hash = "", seconds = ""] = log.stdout.trim().split(" ");
    return {
      hash,
      changed: status.stdout.trim() !== "",
      date: dateOf(/^\d+$/.test(epoch ?? "") ? epoch : seconds),
    };
  } catch {
    return undefined;
  }
}

/** Seconds since 1970 as a date in UTC. */
function dateOf(seconds: string | undefined): string {
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}
