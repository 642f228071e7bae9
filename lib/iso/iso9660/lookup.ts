import type { Node } from "./directory.ts";
import { isoError } from "./source.ts";

/** What a lookup needs to know of the image. */
export interface LookupContext {
  readonly isoPath: string;
  readonly root: Node;
  readonly caseSensitive: boolean;
  list(folder: Node): Promise<readonly Node[]>;
}

// As in Linux: more than 40 links is ELOOP.
const maxLinks = 40;
const maxComponents = 512;

/**
 * Finds what is at a path, following symbolic links within the image: its root is the root of every
 * link, and nothing is above it. Undefined when it is not there.
 */
export async function lookup(context: LookupContext, path: string): Promise<Node | undefined> {
  const todo = path.split("/").reverse();
  const folders: Node[] = [context.root];
  let links = 0;
  let found: Node = context.root;
  while (todo.length > 0) {
    if (todo.length + folders.length > maxComponents) {
      throw isoError(context.isoPath, "a path in it is too long");
    }
    const part = todo.pop();
    if (part === undefined || part === "" || part === ".") continue;
    // The last thing found must be a folder if anything shall be below it.
    if (found.kind !== "directory") return undefined;
    if (part === "..") {
      if (folders.length > 1) folders.pop();
      found = folders.at(-1) as Node;
      continue;
    }
    const child = match(context, await context.list(found), part);
    if (child === undefined) return undefined;
    if (child.kind === "symlink") {
      if (++links > maxLinks) {
        throw isoError(context.isoPath, `the links at ${JSON.stringify(path)} form a loop`);
      }
      const target = child.linkTarget ?? "";
      if (target.startsWith("/")) folders.length = 1;
      found = folders.at(-1) as Node;
      todo.push(...target.split("/").reverse());
      continue;
    }
    if (child.kind === "directory") enter(context, folders, child);
    found = child;
  }
  return found;
}

function match(context: LookupContext, nodes: readonly Node[], name: string): Node | undefined {
  const exact = nodes.find((node) => node.name === name);
  if (exact !== undefined || context.caseSensitive) return exact;
  const lower = name.toLowerCase();
  return nodes.find((node) => node.name.toLowerCase() === lower);
}

function enter(context: LookupContext, folders: Node[], child: Node): void {
  const at = child.extents[0]?.offset;
  if (folders.some((folder) => folder.extents[0]?.offset === at)) {
    throw isoError(context.isoPath, `the directory ${JSON.stringify(child.name)} contains itself`);
  }
  folders.push(child);
}
