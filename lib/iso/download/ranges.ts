/** Bytes of a file from `start` up to, not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Ranges that neither touch nor overlap, in order. */
export type ByteRanges = readonly ByteRange[];

/** The ranges with one more, merged with those that it touches. */
export function addRange(ranges: ByteRanges, added: ByteRange): ByteRanges {
  if (added.start >= added.end) return ranges;
  const apart = (range: ByteRange) => range.end < added.start || range.start > added.end;
  const touching = ranges.filter((range) => !apart(range));
  const merged = {
    start: Math.min(added.start, ...touching.map(({ start }) => start)),
    end: Math.max(added.end, ...touching.map(({ end }) => end)),
  };
  return [...ranges.filter(apart), merged].sort((a, b) => a.start - b.start);
}

/** How many bytes the ranges have. */
export function bytesIn(ranges: ByteRanges): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}

/** How many bytes there are from the beginning without a gap. */
export function contiguousBytes(ranges: ByteRanges): number {
  const [first] = ranges;
  return first?.start === 0 ? first.end : 0;
}

/** What of the ranges is within the first bytes. */
export function clipRanges(ranges: ByteRanges, bytes: number): ByteRanges {
  return ranges
    .map(({ start, end }) => ({ start, end: Math.min(end, bytes) }))
    .filter(({ start, end }) => start < end);
}

/** The first bytes that are missing, at most so many; undefined when nothing is. */
export function firstGap(ranges: ByteRanges, totalBytes: number, maxBytes: number): ByteRange | undefined {
  const start = contiguousBytes(ranges);
  if (start >= totalBytes) return undefined;
  const next = ranges.find((range) => range.start > start)?.start ?? totalBytes;
  return { start, end: Math.min(next, totalBytes, start + maxBytes) };
}
