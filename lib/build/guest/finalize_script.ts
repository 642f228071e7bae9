const scriptUrl = new URL("./finalize.sh", import.meta.url);

/** The script that takes out of a system what belongs to its build or to one machine only. */
export function finalizeScript(): Promise<string> {
  return Deno.readTextFile(scriptUrl);
}
