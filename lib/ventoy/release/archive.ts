import { UsageError } from "../../errors.ts";
import { run } from "../../process.ts";

/** Throws when a member of an archive would come to lie outside of the folder it is unpacked to, or points there. */
export async function checkArchive(path: string, signal?: AbortSignal): Promise<void> {
  const { stdout: names } = await run(["tar", "-tf", path], { signal });
  const { stdout: details } = await run(["tar", "-tvf", path], { signal });
  const bad = [...names.split("\n"), ...linkTargets(details)].find(leaves);
  if (bad === undefined) return;
  throw new UsageError(`${path} is not unpacked: ${JSON.stringify(bad)} in it leads out of its folder`, {
    hint: "That is no release of Ventoy. Check ventoy.url and ventoy.checksum in pim.yml.",
  });
}

/** Where the links of an archive lead, by the listing of `tar -tv`; hard links lead to other members. */
export function linkTargets(listing: string): string[] {
  return listing.split("\n").flatMap((line) => {
    const [, symbolic, hard] = /^l.* -> (.*)$|^h.* link to (.*)$/.exec(line) ?? [];
    return symbolic !== undefined ? [symbolic] : hard !== undefined ? [hard] : [];
  });
}

function leaves(path: string): boolean {
  return path.startsWith("/") || path.split("/").includes("..");
}
