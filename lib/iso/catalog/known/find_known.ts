import type { Architecture } from "../../../architecture.ts";
import { nearest } from "../../../suggest.ts";
import { matchesPattern } from "../pattern.ts";
import { alpine } from "./alpine.ts";
import { debian } from "./debian.ts";
import { enterpriseLinux } from "./enterprise_linux.ts";
import { fedora } from "./fedora.ts";
import { freeBsd } from "./freebsd.ts";
import type { KnownIso } from "./known.ts";
import { openSuse } from "./opensuse.ts";
import { ubuntu } from "./ubuntu.ts";

/** All ISOs that pim knows. */
export const knownIsos: readonly KnownIso[] = [
  ...debian,
  ...ubuntu,
  ...enterpriseLinux,
  ...fedora,
  ...openSuse,
  ...alpine,
  ...freeBsd,
];

/** The known ISO that a key means, with its architecture in it or, for this architecture, without. */
export function findKnown(key: string, architecture: Architecture): KnownIso | undefined {
  return knownIsos.find((iso) => iso.key === key) ??
    knownIsos.find((iso) => iso.family === key && iso.architecture === architecture);
}

/** The known ISOs that have all these words in their keys or names. */
export function searchKnown(words: readonly string[], architecture?: Architecture): readonly KnownIso[] {
  const wanted = words.map((word) => word.toLowerCase());
  return knownIsos.filter(({ key, family, fields, architecture: its }) => {
    const text = `${key} ${family} ${fields.name}`.toLowerCase();
    return (architecture === undefined || architecture === its) &&
      wanted.every((word) => text.includes(word));
  });
}

/** The known ISO that a key or a pattern may mean, and the name by which it is nearest. */
export function nearestKnown(
  pattern: string,
  architecture: Architecture,
): { readonly key: string; readonly name: string } | undefined {
  const fitting = knownIsos.filter((iso) => iso.architecture === architecture);
  const matching = fitting.find(({ key, family }) =>
    matchesPattern(pattern, key, architecture) || matchesPattern(pattern, family, architecture)
  );
  if (matching !== undefined) return { key: matching.key, name: matching.family };
  const names = fitting.flatMap(({ key, family }) => [key, family]);
  const name = nearest(pattern.replaceAll("{arch}", architecture), names);
  const found = fitting.find(({ key, family }) => key === name || family === name);
  return name === undefined || found === undefined ? undefined : { key: found.key, name };
}

/** What to type to get an ISO that the catalog does not have, when pim knows one that may be meant. */
export function adviceToAdd(pattern: string, architecture: Architecture): string | undefined {
  const near = nearestKnown(pattern, architecture);
  return near === undefined ? undefined : `Add it with: pim iso add ${near.name}`;
}
