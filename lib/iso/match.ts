import { type Architecture, architectures, parseArchitecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";
import { didYouMean } from "../suggest.ts";
import type { IsoEntry } from "./catalog.ts";

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

/** Compares names as people order versions: 12.9 before 12.11, 13 before 13.1, and -rc1 before the release. */
export function compareVersions(a: string, b: string): number {
  const split = (name: string) => name.match(/\d+(?:\.\d+)*|[^\d]+/g) ?? [];
  const [left, right] = [split(a), split(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = compareParts(left[index] ?? "", right[index] ?? "");
    if (order !== 0) return order;
  }
  return 0;
}

function compareParts(a: string, b: string): number {
  if (/^\d/.test(a) && /^\d/.test(b)) {
    const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
    for (let index = 0; index < Math.max(left.length, right.length); index++) {
      // 13 lies before 13.0: a missing number is less than any.
      const order = (left[index] ?? -1) - (right[index] ?? -1);
      if (order !== 0) return order;
    }
    return 0;
  }
  const early = (part: string) => /^[-_.~]?(alpha|beta|rc|daily|testing)/i.test(part);
  if (early(a) !== early(b)) return early(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
