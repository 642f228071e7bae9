/** Since this Deno a compiled program imports TypeScript from disk, as profiles in it need. */
export const typeScriptFromDisk = "2.8.2";

/** Whether a version of Deno comes before another one. */
export function isOlderDeno(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
