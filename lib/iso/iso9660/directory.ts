import { type DirectoryRecord, isParent, isSelf, parseRecords } from "./record.ts";
import { parseRockRidge, type RockRidge } from "./rock_ridge.ts";
import { isoError, type Source } from "./source.ts";
import { type ContinuationReader, continuationReader, readSystemUse } from "./susp.ts";
import { type Extent, latin1, type Naming, ucs2 } from "./volume.ts";

/** Something in a folder of the image. */
export interface Node {
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
  /** The content, in order: several extents for a multi-extent file, one for a folder. */
  readonly extents: readonly Extent[];
  readonly bytes: number;
  /** Permission bits, where Rock Ridge has them. */
  readonly mode: number | undefined;
  readonly linkTarget: string | undefined;
  /** Why the content cannot be read, when it is stored in a way that nobody uses today. */
  readonly unreadable: string | undefined;
}

/** The tree that is read: where it is and how its names are written. */
export interface Tree {
  readonly source: Source;
  readonly blockBytes: number;
  readonly naming: Naming;
  /** LEN_SKP of the SP entry, for Rock Ridge. */
  readonly skip: number;
}

// Enough for some sixty thousand files in one folder; a hostile size must not become memory.
const maxDirectoryBytes = 8 * 1024 * 1024;

/** Reads the folder at an extent. */
export async function readDirectory(tree: Tree, extent: Extent): Promise<readonly Node[]> {
  const { path } = tree.source;
  if (extent.bytes > maxDirectoryBytes) {
    throw isoError(path, `a directory claims to have ${extent.bytes} bytes`);
  }
  const content = await tree.source.read(extent.offset, extent.bytes);
  const nodes: Node[] = [];
  const names = new Set<string>();
  const continuations = continuationReader(tree.source, tree.blockBytes);
  let parts: DirectoryRecord[] = [];
  for (const record of parseRecords(path, content, tree.blockBytes)) {
    if (isSelf(record) || isParent(record) || record.isAssociated) continue;
    const before = parts.at(-1);
    if (before !== undefined && latin1(before.identifier) !== latin1(record.identifier)) {
      throw isoError(path, "a file of several extents lacks its last one");
    }
    parts.push(record);
    if (record.continues) continue;
    const node = await toNode(tree, parts, continuations);
    parts = [];
    // Of two equal names the first counts, as in the Linux kernel.
    if (node === undefined || names.has(node.name)) continue;
    names.add(node.name);
    nodes.push(node);
  }
  if (parts.length > 0) throw isoError(path, "a file of several extents lacks its last one");
  return nodes;
}

/** The node that one or more records of the same name make; undefined for folders that live elsewhere. */
async function toNode(
  tree: Tree,
  records: readonly DirectoryRecord[],
  continuations: ContinuationReader,
): Promise<Node | undefined> {
  const { path } = tree.source;
  const first = records[0] as DirectoryRecord;
  const rockRidge = tree.naming === "rock-ridge"
    ? parseRockRidge(path, await readSystemUse(path, first.systemUse, tree.skip, continuations))
    : undefined;
  if (rockRidge?.relocated) return undefined;
  const name = checkedName(path, rockRidge?.name ?? plainName(tree.naming, first.identifier));
  const mode = rockRidge?.mode === undefined ? undefined : rockRidge.mode & 0o7777;
  const base = { name, mode, linkTarget: rockRidge?.linkTarget, unreadable: undefined };
  if (rockRidge?.childBlock !== undefined) {
    const extent = await relocatedExtent(tree, rockRidge.childBlock);
    return { ...base, kind: "directory", extents: [extent], bytes: extent.bytes };
  }
  const extents = records.map((record) => record.extent);
  const bytes = extents.reduce((sum, extent) => sum + extent.bytes, 0);
  const unreadable = records.some((record) => record.interleaved)
    ? "its content is interleaved"
    : rockRidge?.compressed
    ? "its content is compressed by zisofs"
    : undefined;
  return { ...base, kind: kindOf(first, rockRidge), extents, bytes, unreadable };
}

function kindOf(record: DirectoryRecord, rockRidge: RockRidge | undefined): Node["kind"] {
  if (record.isDirectory) return "directory";
  if (rockRidge?.linkTarget !== undefined) return "symlink";
  const type = rockRidge?.mode === undefined ? 0o100000 : rockRidge.mode & 0o170000;
  return type === 0o100000 || type === 0 ? "file" : "other";
}

/** The extent of a relocated folder, whose length only its own first record tells. */
async function relocatedExtent(tree: Tree, block: number): Promise<Extent> {
  const offset = block * tree.blockBytes;
  const sector = await tree.source.read(offset, 2048);
  const self = parseRecords(tree.source.path, sector, tree.blockBytes).next().value;
  if (!self || !isSelf(self)) {
    throw isoError(tree.source.path, "a relocated directory is not where it should be");
  }
  return { offset, bytes: self.extent.bytes };
}

/** The name that an identifier stands for: without version, and without the dot of an empty ending. */
function plainName(naming: Naming, identifier: Uint8Array): string {
  if (naming === "joliet") return ucs2(identifier).replace(/;\d+$/, "");
  return latin1(identifier).replace(/;\d*$/, "").replace(/\.$/, "");
}

/** A name is used in paths; one that could lead elsewhere is an attack. */
function checkedName(path: string, name: string): string {
  if (name === "" || name === "." || name === ".." || name.includes("/") || name.includes("\0")) {
    throw isoError(path, `it contains a file named ${JSON.stringify(name)}`);
  }
  return name;
}
