import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** What a source imports from somewhere. */
export interface Import {
  readonly to: string;
  readonly lazy: boolean;
  readonly typeOnly: boolean;
}

/** A source file, as the tests of rules look at it. */
export interface Source {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly text: string;
  /** The text without comments. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** All TypeScript in a folder and in those below it. */
export async function readSources(folder: string): Promise<Source[]> {
  const found: Source[] = [];
  for await (const entry of Deno.readDir(join(root, folder))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) found.push(...await readSources(path));
    else if (path.endsWith(".ts")) found.push(await readSource(path));
  }
  return found;
}

/** One source file. */
export async function readSource(path: string): Promise<Source> {
  const text = await Deno.readTextFile(join(root, path));
  const code = text.replace(/^\s*\/\*[\s\S]*?\*\//gm, "").replace(/(^|\s)\/\/.*$/gm, "");
  const statement =
    /(?:^(?:import|export)\b([^"'`;]*?)\bfrom\s*|^(import)\s*|(\bimport\s*\(\s*))["']([^"']+)["']/gm;
  const imports = [...code.matchAll(statement)].map(([, clause, , lazy, to = ""]) => ({
    to,
    lazy: lazy !== undefined,
    typeOnly: /^\s*type\b/.test(clause ?? ""),
  }));
  return { path, text, code, imports };
}

/** The offenders as "path: what", so that a failing rule names them all. */
export function offenders(
  files: readonly Source[],
  find: (file: Source) => readonly string[],
): string[] {
  return files.flatMap((file) => find(file).map((what) => `${file.path}: ${what}`));
}

/** Finds what a pattern matches in the code of a file. */
export function matchesOf(pattern: RegExp): (file: Source) => readonly string[] {
  return ({ code }) => code.match(pattern) ?? [];
}
