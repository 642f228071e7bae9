const unitMs: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Milliseconds of an age such as 12h, 7d or 2w; throws for what is none. */
export function parseAgeMs(text: string): number {
  const [, count, unit = ""] = /^(\d+)([mhdw])$/.exec(text) ?? [];
  if (count === undefined) throw new RangeError(`${text} is no age such as 12h, 7d or 2w`);
  return Number(count) * (unitMs[unit] ?? 0);
}
