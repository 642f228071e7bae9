import { CancelledError } from "../../errors.ts";
import { type Node, readDirectory, type Tree } from "./directory.ts";
import { extractTo, readContent } from "./content.ts";
import { lookup, type LookupContext } from "./lookup.ts";
import { isSelf, parseRecords } from "./record.ts";
import { rockRidgeSkip } from "./rock_ridge.ts";
import { isoError, openSource, type Source } from "./source.ts";
import { continuationReader, readSystemUse } from "./susp.ts";
import { type Naming, readVolumes, type Volume } from "./volume.ts";

/** What is at a path of an image. */
export interface IsoFileInfo {
  readonly name: string;
  readonly kind: "file" | "directory" | "symlink" | "other";
  readonly bytes: number;
  /** Permission bits, where the image has them. */
  readonly mode: number | undefined;
  /** Where a symbolic link points. */
  readonly linkTarget: string | undefined;
}

/** An open ISO image. Paths are written with "/", from the root; case counts except in plain ISO 9660. */
export interface IsoImage extends AsyncDisposable {
  readonly path: string;
  readonly volumeId: string;
  readonly naming: Naming;
  /** What a folder contains; links are not followed. */
  list(path: string): Promise<readonly IsoFileInfo[]>;
  /** What is at a path, links followed, or undefined. */
  find(path: string): Promise<IsoFileInfo | undefined>;
  /** What is at a path, links followed; an error when nothing is. */
  stat(path: string): Promise<IsoFileInfo>;
  /** The content of a file of at most `maxBytes` (64 MiB unless given). */
  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array<ArrayBuffer>>;
  /** Writes a file of the image to a new path on this host and returns its size; nothing is left after a failure. */
  extract(path: string, destination: string, options?: { signal?: AbortSignal }): Promise<number>;
}

const defaultMaxBytes = 64 * 1024 * 1024;
const maxCachedFolders = 64;

/** Opens an ISO 9660 image (ECMA-119); its names are read from Rock Ridge, else from Joliet, else as they are. */
export async function openIso(path: string): Promise<IsoImage> {
  const source = await openSource(path);
  try {
    const { primary, joliet } = await readVolumes(source);
    const skip = await findRockRidge(source, primary);
    const naming: Naming = skip !== undefined ? "rock-ridge" : joliet !== undefined ? "joliet" : "plain";
    const volume = naming === "joliet" && joliet !== undefined ? joliet : primary;
    const tree: Tree = { source, naming, skip: skip ?? 0, blockBytes: volume.blockBytes };
    return createImage(tree, volume, primary.volumeId);
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** Rock Ridge is announced in the first record of the root folder (SUSP 5.3); returns its LEN_SKP. */
async function findRockRidge(source: Source, volume: Volume): Promise<number | undefined> {
  const sector = await source.read(volume.root.offset, 2048);
  const self = parseRecords(source.path, sector, volume.blockBytes).next().value;
  if (!self || !isSelf(self)) throw isoError(source.path, "its root directory is not where it should be");
  const continuations = continuationReader(source, volume.blockBytes);
  return rockRidgeSkip(await readSystemUse(source.path, self.systemUse, 0, continuations));
}

function createImage(tree: Tree, volume: Volume, volumeId: string): IsoImage {
  const { source } = tree;
  const context = lookupContext(tree, volume);
  async function need(path: string, kind?: "file" | "directory"): Promise<Node> {
    const node = await lookup(context, path);
    const shown = JSON.stringify(path);
    if (node === undefined) throw isoError(source.path, `there is no ${shown} in it`);
    if (kind !== undefined && node.kind !== kind) {
      throw isoError(source.path, `${shown} is not a ${kind === "file" ? "file" : "folder"}`);
    }
    return node;
  }
  return {
    path: source.path,
    volumeId,
    naming: tree.naming,
    list: async (path) => (await context.list(await need(path, "directory"))).map(toInfo),
    find: async (path) => optionalInfo(await lookup(context, path)),
    stat: async (path) => toInfo(await need(path)),
    readFile: async (path, options = {}) =>
      await readContent(source, await need(path, "file"), path, options.maxBytes ?? defaultMaxBytes),
    async extract(path, destination, options = {}) {
      if (options.signal?.aborted) throw new CancelledError();
      return await extractTo(source, await need(path, "file"), path, destination, options.signal);
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

function lookupContext(tree: Tree, volume: Volume): LookupContext {
  // A build looks for several files in the same few folders.
  const cache = new Map<number, readonly Node[]>();
  const root: Node = {
    name: "/",
    kind: "directory",
    extents: [volume.root],
    bytes: volume.root.bytes,
    mode: undefined,
    linkTarget: undefined,
    unreadable: undefined,
  };
  return {
    isoPath: tree.source.path,
    root,
    caseSensitive: tree.naming !== "plain",
    async list(folder) {
      const extent = folder.extents[0] ?? volume.root;
      const known = cache.get(extent.offset);
      if (known !== undefined) return known;
      const nodes = await readDirectory(tree, extent);
      if (cache.size >= maxCachedFolders) cache.clear();
      cache.set(extent.offset, nodes);
      return nodes;
    },
  };
}

function toInfo(node: Node): IsoFileInfo {
  const { name, kind, bytes, mode, linkTarget } = node;
  return { name, kind, bytes, mode, linkTarget };
}

function optionalInfo(node: Node | undefined): IsoFileInfo | undefined {
  return node === undefined ? undefined : toInfo(node);
}
