import { open } from "node:fs/promises";
import { exitCode, PimError, UsageError } from "../../errors.ts";
import { exists, removeIfThere } from "../../files.ts";
import { hashFile } from "../../hash.ts";
import { atOnce } from "./at_once.ts";
import { fileSource } from "./blob_source.ts";
import { fetchBlob } from "./fetch_blob.ts";
import { type Descriptor, type ImageManifest, marks, mediaTypes } from "./manifests.ts";
import { digestOfBytes, type Repository } from "./repository.ts";
import { markedSha256 } from "./resolve_image.ts";

/** What bringing a disk here takes. */
export interface DiskPull {
  readonly repository: Repository;
  readonly manifest: ImageManifest;
  /** The reference, for messages. */
  readonly shown: string;
  readonly signal: AbortSignal;
  progress(bytes: number, totalBytes: number): void;
}

const sideBySide = 4;

/** The pieces of an artifact's file in their order, each with its place. Throws when they make no file. */
export function piecesOf({ layers }: ImageManifest, shown: string): { piece: Descriptor; offset: number }[] {
  let offset = 0;
  const pieces = layers.filter(({ mediaType }) => mediaType === mediaTypes.chunk).map((piece) => {
    const at = offset;
    offset += piece.size;
    if (Number(piece.annotations?.[marks.offset] ?? at) === at) return { piece, offset: at };
    throw new UsageError(`${shown} is damaged: its pieces do not follow each other`);
  });
  if (pieces.length > 0) return pieces;
  throw new UsageError(`${shown} has no disk in it`);
}

/**
 * Brings the file of an artifact to a path, several pieces at once. What an earlier pull has left there is taken where
 * its digests are right. Returns the file's SHA-256; throws when it is not what was pushed.
 */
export async function pullArtifact(pull: DiskPull, path: string): Promise<string> {
  const { repository, manifest, shown, signal } = pull;
  const pieces = piecesOf(manifest, shown);
  const total = pieces.reduce((sum, { piece }) => sum + piece.size, 0);
  const begun = await exists(path);
  let done = 0;
  const add = (bytes: number) => {
    done += bytes;
    pull.progress(done, total);
  };
  const file = await open(path, begun ? "r+" : "w+", 0o644);
  try {
    await file.truncate(total);
    await using old = await fileSource(path);
    await atOnce(pieces, sideBySide, async ({ piece, offset }) => {
      if (begun && digestOfBytes(await old.read(offset, piece.size)) === piece.digest) return add(piece.size);
      await fetchBlob(repository, piece, {
        onBytes: add,
        async write(bytes, at) {
          for (let rest = bytes, to = offset + at; rest.length > 0;) {
            const { bytesWritten } = await file.write(rest, 0, rest.length, to);
            rest = rest.subarray(bytesWritten);
            to += bytesWritten;
          }
        },
      });
    });
    await file.sync();
  } finally {
    await file.close();
  }
  const sha256 = await hashFile(path, "sha256", { signal });
  if (sha256 === markedSha256(manifest)) return sha256;
  await removeIfThere(path);
  throw new PimError(`Cannot pull ${shown}: its pieces do not make the file that was pushed`, {
    exitCode: exitCode.checksum,
    hint: "Push the image again.",
  });
}
