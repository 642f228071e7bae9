import { type Identified, isoNames } from "./write_names.ts";
import { blockBytes, blocksOf, packRecords, type Place, recordBytes } from "./write_record.ts";
import { fileEntries, parentEntries, rootEntries } from "./write_rock_ridge.ts";
import { descriptor, pathTable, terminator } from "./write_volume.ts";

/** A file of an image to be. */
export interface NewIsoFile {
  /** 1 to 64 printable ASCII characters; kept exactly. */
  readonly name: string;
  readonly content: Uint8Array | string;
}

/** An image to be. */
export interface NewIso {
  /** The volume identifier (the label): 1 to 16 printable ASCII characters; case is kept. */
  readonly volume: string;
  /** The files of the root folder; there are no others. */
  readonly files: readonly NewIsoFile[];
  /** The date of everything in it; 1970 when left out, so that equal input makes equal bytes. */
  readonly created?: Date;
}

interface Tree {
  readonly isJoliet: boolean;
  /** The records of the root folder, "." and ".." first. */
  records(root: Place, contents: readonly Place[]): Uint8Array[];
}

const nowhere: Place = { block: 0, bytes: 0 };
const noEntries = new Uint8Array();
// After 16 blocks for the system come two descriptors, their end, and two path tables for each tree.
const pathTablesAt = 19;
const rootsAt = 23;

/**
 * Makes a small ISO 9660 image (ECMA-119) with names by Rock Ridge, for Linux and macOS, and by Joliet, for Windows.
 * Throws PimError for names that cannot be kept in both.
 */
export function isoImage({ volume, files, created = new Date(0) }: NewIso): Uint8Array<ArrayBuffer> {
  const names = isoNames(volume, files.map((file) => file.name));
  const contents = files.map(({ content }) =>
    typeof content === "string" ? new TextEncoder().encode(content) : content
  );
  const trees = [primaryTree(names.primary, created), jolietTree(names.joliet, created)];
  const unplaced = contents.map(() => nowhere);
  let next = rootsAt;
  const place = (bytes: number): Place => {
    const at = { block: next, bytes };
    next += blocksOf(bytes);
    return at;
  };
  const roots = trees.map((tree) => place(packRecords(tree.records(nowhere, unplaced)).length));
  const extents = contents.map((content) => place(content.length));
  // One block more, so that even an empty file at the end lies within the image.
  const blocks = next + 1;
  const image = new Uint8Array(blocks * blockBytes);
  const write = (block: number, bytes: Uint8Array) => image.set(bytes, block * blockBytes);
  trees.forEach((tree, index) => {
    const root = roots[index] ?? nowhere;
    const tables = { little: pathTablesAt + 2 * index, big: pathTablesAt + 2 * index + 1 };
    const { isJoliet } = tree;
    write(16 + index, descriptor({ isJoliet, volume, root, tables, blocks, created }));
    write(tables.little, pathTable(root.block, true));
    write(tables.big, pathTable(root.block, false));
    write(root.block, packRecords(tree.records(root, extents)));
  });
  write(18, terminator());
  contents.forEach((content, index) => write(extents[index]?.block ?? 0, content));
  return image;
}

/** The tree of plain ISO 9660 names, with the true ones beside them for Rock Ridge. */
function primaryTree(names: readonly Identified[], date: Date): Tree {
  return {
    isJoliet: false,
    records: (root, contents) => [
      recordBytes({ ...root, identifier: Uint8Array.of(0), isFolder: true, date, systemUse: rootEntries() }),
      recordBytes({
        ...root,
        identifier: Uint8Array.of(1),
        isFolder: true,
        date,
        systemUse: parentEntries(),
      }),
      ...names.map(({ index, identifier, name }) =>
        recordBytes({
          ...(contents[index] ?? nowhere),
          identifier,
          isFolder: false,
          date,
          systemUse: fileEntries(name),
        })
      ),
    ],
  };
}

/** The same files once more, with names in UCS-2. */
function jolietTree(names: readonly Identified[], date: Date): Tree {
  const common = { date, systemUse: noEntries };
  return {
    isJoliet: true,
    records: (root, contents) => [
      recordBytes({ ...root, ...common, identifier: Uint8Array.of(0), isFolder: true }),
      recordBytes({ ...root, ...common, identifier: Uint8Array.of(1), isFolder: true }),
      ...names.map(({ index, identifier }) =>
        recordBytes({ ...(contents[index] ?? nowhere), ...common, identifier, isFolder: false })
      ),
    ],
  };
}
