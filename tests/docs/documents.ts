import { join, relative } from "node:path";
import { root } from "../sources.ts";

/** A document that people read. */
export interface Document {
  /** Path from the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** All Markdown files of the repository: those at its top and those under docs. */
export async function documents(): Promise<Document[]> {
  const found: Document[] = [];
  const visit = async (folder: string, deep: boolean) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory && deep) await visit(path, true);
      if (name.endsWith(".md")) {
        found.push({ path: relative(root, path), text: await Deno.readTextFile(path) });
      }
    }
  };
  await visit(root, false);
  await visit(join(root, "docs"), true);
  return found.sort((a, b) => a.path < b.path ? -1 : 1);
}
