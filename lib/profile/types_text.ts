/** The text of the types that profile modules import as "pim". */
export async function readProfileTypes(): Promise<string> {
  const text = await Deno.readTextFile(new URL("./types.ts", import.meta.url));
  return text.replace(
    /^\/\/[^\n]*\n/,
    "// Types of pim's profiles. Written by `pim init`; `pim init --force` writes them anew.\n",
  );
}
