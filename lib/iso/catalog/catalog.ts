import { dirname } from "node:path";
import { type Architecture, architectures, hostArchitecture } from "../../architecture.ts";
import { loadEntries } from "../../config/entries.ts";
import type { ConfigFolder } from "../../config/folders.ts";
import { UsageError } from "../../errors.ts";
import { didYouMean, nearest } from "../../suggest.ts";
import { type IsoEntry, isoEntrySchema, locationOf, toIsoEntry } from "./entry.ts";
import { adviceToAdd, nearestKnown } from "./known/find_known.ts";
import { matchesPattern } from "./pattern.ts";
import { compareVersions } from "./version_order.ts";

export type { IsoEntry } from "./entry.ts";

/** Reads isos.d of all config folders, nearest first; throws when two ISOs would be the same file. */
export async function loadCatalog(folders: readonly ConfigFolder[]): Promise<readonly IsoEntry[]> {
  // What comes with pim is a reference to copy from; only the user's own ISOs are in the catalog.
  const own = folders.filter((folder) => folder.kind !== "built-in");
  const raw = await loadEntries(own, "isos.d", isoEntrySchema);
  const entries = raw.map(({ key, value, source }) => toIsoEntry(key, value, dirname(source)));
  const owners = new Map<string, IsoEntry>();
  for (const entry of entries.filter((entry) => locationOf(entry).kind !== "local")) {
    const other = owners.get(entry.filename);
    if (other !== undefined && other.url !== entry.url) {
      throw new UsageError(
        `The ISOs ${other.key} and ${entry.key} would both be stored as ${entry.filename}`,
        {
          hint: "Give one of them another `filename`.",
        },
      );
    }
    owners.set(entry.filename, entry);
  }
  return entries;
}

/**
 * The ISOs that a key or a pattern such as "debian-*-{arch}-netinst" means, newest version first.
 * A pattern finds only those of the architecture; an exact key finds its ISO whatever it is for.
 */
export function matchIsos(
  pattern: string,
  entries: readonly IsoEntry[],
  architecture: Architecture,
): readonly IsoEntry[] {
  const exact = entries.filter((entry) => entry.key === pattern);
  if (exact.length > 0) return exact;
  const matches = (key: string) => matchesPattern(pattern, key, architecture);
  return entries
    .filter((entry) => entry.architecture === architecture && matches(entry.key))
    .sort((a, b) => compareVersions(b.key, a.key));
}

/** The newest ISO that a key or pattern means; throws {@linkcode UsageError} with the nearest key. */
export function findIso(pattern: string, entries: readonly IsoEntry[], architecture: Architecture): IsoEntry {
  const [found] = matchIsos(pattern, entries, architecture);
  if (found !== undefined && found.architecture !== architecture) {
    throw new UsageError(`The ISO ${found.key} is for ${found.architecture}, not for ${architecture}`, {
      hint: `Choose another one (\`pim iso list\`), or build with --arch ${found.architecture}.`,
    });
  }
  if (found !== undefined) return found;
  const other = architectures.find((name) => matchIsos(pattern, entries, name).length > 0);
  const hint = other !== undefined
    ? `It matches ISOs for ${other}; add one for ${architecture} to isos.d.`
    : undefined;
  throw new UsageError(`No ISO in the catalog is called ${pattern}` + (other ? ` for ${architecture}` : ""), {
    hint: hintFor(pattern, entries, architecture, hint),
  });
}

/** The ISO with exactly this key; throws {@linkcode UsageError} with the nearest key. */
export function getIso<E extends Pick<IsoEntry, "key">>(key: string, entries: readonly E[]): E {
  const found = entries.find((entry) => entry.key === key);
  if (found !== undefined) return found;
  throw new UsageError(`No ISO in the catalog is called ${key}`, {
    hint: hintFor(key, entries, hostArchitecture()),
  });
}

/** What to say of an ISO that is not in the catalog: which one was meant, and how to get it when pim knows it. */
function hintFor(
  pattern: string,
  entries: readonly Pick<IsoEntry, "key">[],
  architecture: Architecture,
  first?: string,
): string {
  const keys = entries.map(({ key }) => key);
  const known = nearestKnown(pattern, architecture);
  const near = nearest(pattern.replaceAll("{arch}", architecture), keys) ??
    keys.find((key) => key === known?.key);
  // One that is in the catalog already is not to be added.
  const advice = known === undefined || keys.includes(known.key)
    ? undefined
    : adviceToAdd(pattern, architecture);
  const said = first ?? (near === undefined ? undefined : `Did you mean ${near}?`);
  if (advice !== undefined) return said === undefined ? advice : `${said} ${advice}`;
  return said ?? didYouMean(pattern, keys, "The catalog is empty: `pim init` writes one.");
}
