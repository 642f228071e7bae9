import { join, relative } from "node:path";
import { exists, writeFileAtomic } from "../files.ts";
import { exampleDir } from "./folders.ts";

/** What {@linkcode writeScaffold} did. */
export interface Scaffold {
  readonly written: readonly string[];
  /** Files that were there and stay as they are. */
  readonly kept: readonly string[];
}

/**
 * Writes a working configuration: config.example's files, the types that profiles import as "pim", and
 * settings with which `deno check`, tsc and editors find them. Files that exist are never overwritten,
 * except the types and editor settings with `force`.
 *
 * @param types the text of the types file
 */
export async function writeScaffold(
  dir: string,
  types: string,
  options: { force: boolean },
): Promise<Scaffold> {
  const ours = { "pim.d.ts": types, ...editorFiles };
  const written: string[] = [];
  const kept: string[] = [];
  const put = async (name: string, text: string, overwrite: boolean) => {
    const path = join(dir, name);
    if (!overwrite && await exists(path)) return void kept.push(name);
    await writeFileAtomic(path, text, { mode: name.endsWith(".sh") ? 0o755 : 0o644 });
    written.push(name);
  };
  for await (const name of walk(exampleDir)) {
    if (!(name in ours)) await put(name, await Deno.readTextFile(join(exampleDir, name)), false);
  }
  for (const [name, text] of Object.entries(ours)) await put(name, text, options.force);
  return { written, kept };
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

// Two readers of the same types: Deno resolves "pim" by its import map, tsc and editors by `paths`.
const editorFiles: Record<string, string> = {
  "deno.json": json({ imports: { pim: "./pim.d.ts" } }),
  "tsconfig.json": json({
    compilerOptions: {
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      allowImportingTsExtensions: true,
      allowJs: true,
      strict: true,
      noEmit: true,
      paths: { pim: ["./pim.d.ts"] },
    },
    // A bare "profiles.d" would be taken for a file that ends in ".d".
    include: ["profiles.d/**/*", "pim.d.ts"],
  }),
  ".vscode/settings.json": json({ "deno.enable": true, "files.associations": { "*.eta": "plaintext" } }),
};

async function* walk(dir: string, root = dir): AsyncGenerator<string> {
  const entries: Deno.DirEntry[] = [];
  for await (const entry of Deno.readDir(dir)) entries.push(entry);
  for (const entry of entries.sort((a, b) => a.name.localeCompare(b.name))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) yield* walk(path, root);
    else yield relative(root, path);
  }
}
