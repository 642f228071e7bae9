import { installers } from "./installers.ts";

/**
 * How much of an installation is usually done when an installer reports this milestone, from 0 to 1; undefined for
 * milestones that come at any time.
 */
export function milestoneShare(milestone: string): number | undefined {
  for (const { shares } of installers) {
    const share = shares[milestone];
    if (share !== undefined) return share;
  }
  return undefined;
}
