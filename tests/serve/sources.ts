import { join } from "node:path";
import type { Architecture } from "../../lib/architecture.ts";
import { exampleDir } from "../../lib/config/folders.ts";
import { findNamed } from "../../lib/profile/files.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";
import type { Profile } from "../../lib/profile/types.ts";
import type { FindAnswerFile, RenderOptions } from "../../lib/serve/answers.ts";

/** Looks answer files up in these folders, nearest first, and in config.example last. */
export function finder(profile: string, ...folders: string[]): FindAnswerFile {
  const all = [
    ...folders.map((path) => ({ kind: "user" as const, path })),
    { kind: "built-in" as const, path: exampleDir },
  ];
  return async (folder, endings) => (await findNamed(all, folder, profile, endings))?.path;
}

/** What the default templates are rendered from, with a salt that makes the hash the same every time. */
export function source(name: string, profile: Profile, architecture: Architecture = "amd64"): RenderOptions {
  return {
    profile: resolveProfile(name, profile, architecture),
    architecture,
    baseUrl: "http://10.0.2.2:8080/0123abcd",
    salt: "saltsaltsaltsalt",
    find: finder(name),
  };
}

/** A folder with these files in it, removed when it is disposed of. */
export async function folderWith(files: Record<string, string>): Promise<AsyncDisposable & { path: string }> {
  const path = await Deno.makeTempDir();
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(path, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
