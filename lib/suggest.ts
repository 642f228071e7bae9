import { distance } from "fastest-levenshtein";

/** The known name nearest to a misspelt one, or undefined when none is near enough to be meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Up to a third of the letters may be wrong, and two in short names; but one letter must be right.
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of known) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance && d < Math.max(name.length, candidate.length)) {
      [best, bestDistance] = [candidate, d];
    }
  }
  return best ?? soleExtension(name, known);
}

/** The only known name that begins with this one: "user" is meant to be username. */
function soleExtension(name: string, known: Iterable<string>): string | undefined {
  const longer = [...known].filter((each) => each.toLowerCase().startsWith(name.toLowerCase()));
  return name.length > 2 && longer.length === 1 ? longer[0] : undefined;
}

/** "Did you mean X?", or a list of what there is, or what to say when there is nothing. */
export function didYouMean(name: string, known: Iterable<string>, none: string): string {
  const all = [...known];
  const near = nearest(name, all);
  if (near !== undefined) return `Did you mean ${near}?`;
  return all.length === 0 ? none : `There is: ${listed(all.sort())}`;
}

/** Names in a row; of many those that come first, and how many there are beside them. */
function listed(names: readonly string[]): string {
  const most = 20;
  if (names.length <= most) return names.join(", ");
  return `${names.slice(0, most).join(", ")}, and ${names.length - most} more`;
}
