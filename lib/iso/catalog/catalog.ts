import { dirname } from "node:path";
import { type Architecture, architectures, parseArchitecture } from "../../architecture.ts";
import { loadEntries } from "../../config/entries.ts";
import type { ConfigFolder } from "../../config/folders.ts";
import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../suggest.ts";
import { type IsoEntry, isoEntrySchema, locationOf, toIsoEntry } from "./entry.ts";
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

// The names that an architecture may have in a key, for the pattern's {arch}.
const spellings = ["amd64", "x86_64", "x64", "arm64", "aarch64"];

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
  const expression = patternExpression(pattern, architecture);
  return entries
    .filter((entry) => entry.architecture === architecture && expression.test(entry.key))
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
  const none = "The catalog is empty: `pim init` writes one.";
  const other = architectures.find((name) => matchIsos(pattern, entries, name).length > 0);
  const hint = other !== undefined
    ? `It matches ISOs for ${other}; add one for ${architecture} to isos.d.`
    : didYouMean(pattern.replaceAll("{arch}", architecture), entries.map((entry) => entry.key), none);
  throw new UsageError(`No ISO in the catalog is called ${pattern}` + (other ? ` for ${architecture}` : ""), {
    hint,
  });
}

/** The ISO with exactly this key; throws {@linkcode UsageError} with the nearest key. */
export function getIso(key: string, entries: readonly IsoEntry[]): IsoEntry {
  const found = entries.find((entry) => entry.key === key);
  if (found !== undefined) return found;
  throw new UsageError(`No ISO in the catalog is called ${key}`, {
    hint: didYouMean(key, entries.map((entry) => entry.key), "The catalog is empty: `pim init` writes one."),
  });
}

function patternExpression(pattern: string, architecture: Architecture): RegExp {
  const names = spellings.filter((name) => parseArchitecture(name) === architecture);
  const source = pattern.split(/(\{arch\}|\*+|\?)/).map((part) => {
    if (part === "{arch}") return `(?:${names.join("|")})`;
    if (part === "?") return ".";
    return part.startsWith("*") ? ".*" : part.replace(/[.+^$|()[\]{}\\]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`);
}
