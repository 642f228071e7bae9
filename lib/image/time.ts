/** A time in UTC as part of a file name: `20260131T120000Z`. */
export function compactTime(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, "");
}
