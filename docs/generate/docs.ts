// `deno task docs`: writes the parts of the documents that come from the code, between their two marks.
import { join } from "node:path";
import { commandTable } from "./commands.ts";
import { profileReference } from "./profiles.ts";
import { settingsReference } from "./settings.ts";
import { targetsReference } from "./targets.ts";

const root = join(import.meta.dirname ?? ".", "../..");
const begin = "<!-- `deno task docs` writes what follows -->";
const end = "<!-- `deno task docs` wrote what precedes -->";

const parts: Readonly<Record<string, () => string | Promise<string>>> = {
  "README.md": commandTable,
  "docs/profiles.md": profileReference,
  "docs/settings.md": settingsReference,
  "docs/targets.md": targetsReference,
};

/** The documents with parts from the code, as they are and as they should be. */
export async function generate(): Promise<{ path: string; is: string; wanted: string }[]> {
  return await Promise.all(
    Object.entries(parts).map(async ([name, part]) => {
      const path = join(root, name);
      const is = await Deno.readTextFile(path);
      const [before, after] = [is.split(begin)[0], is.split(end)[1]];
      if (after === undefined) throw new Error(`${name} has no place for what the code says`);
      return {
        path,
        is,
        wanted: await formatted([before, begin, "\n\n", await part(), "\n\n", end, after].join("")),
      };
    }),
  );
}

async function formatted(text: string): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["fmt", "--quiet", "--config", join(root, "deno.json"), "--ext", "md", "-"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout } = await child.output();
  if (code !== 0) throw new Error("deno fmt failed");
  return new TextDecoder().decode(stdout);
}

if (import.meta.main) {
  for (const { path, wanted } of await generate()) await Deno.writeTextFile(path, wanted);
}
