import { createHash } from "node:crypto";
import { exitCode, PimError } from "../../errors.ts";
import { removeIfThere, statIfThere } from "../../files.ts";
import { writeAll } from "../../output.ts";
import { type BlobSource, fileSource, piecesOf } from "./blob_source.ts";
import { archiveHead } from "./containerdisk.ts";
import { fetchBlob } from "./fetch_blob.ts";
import { type Descriptor, marks, mediaTypes } from "./manifests.ts";
import type { DiskPull } from "./pull_artifact.ts";
import { recordBytes, tarPadding } from "./tar.ts";

/** The layer of a containerDisk that pim has pushed as it is: where its disk begins and how large it is are known. */
export interface OwnLayer {
  readonly layer: Descriptor;
  readonly diskBytes: number;
  /** What stands before the disk. */
  readonly head: Uint8Array<ArrayBuffer>;
}

/** Such a layer, if a containerDisk is one; what was said of it in vain shows in its digest. */
export function ownLayer({ manifest: { layers, annotations } }: DiskPull): OwnLayer | undefined {
  const [layer, ...others] = layers;
  const diskBytes = Number(annotations?.[marks.bytes]);
  const name = annotations?.["org.opencontainers.image.version"];
  if (layer?.mediaType !== mediaTypes.tar || others.length > 0 || !(diskBytes > 0) || name === undefined) {
    return undefined;
  }
  const head = archiveHead(name, diskBytes);
  const whole = head.length + diskBytes + tarPadding(diskBytes) + 2 * recordBytes;
  return layer.size === whole ? { layer, diskBytes, head } : undefined;
}

const readBytes = 4 * 1024 * 1024;

/**
 * Brings the disk of such a layer to a path without a copy of the layer on its way, and returns its SHA-256. What an
 * earlier pull has left at the path is gone on from, and thrown away when it turns out to be something else.
 */
export async function pullOwnDisk(pull: DiskPull, own: OwnLayer, path: string): Promise<string> {
  const { layer, diskBytes, head } = own;
  const size = (await statIfThere(path))?.size ?? 0;
  const had = size <= diskBytes ? size : 0;
  const whole = createHash("sha256");
  const disk = createHash("sha256");
  using file = await Deno.open(path, { write: true, create: true, truncate: had === 0, mode: 0o644 });
  if (had > 0) {
    whole.update(head);
    await using old = await fileSource(path);
    for await (const piece of piecesOf(beginningOf(old, had), readBytes)) {
      whole.update(piece);
      disk.update(piece);
    }
  }
  await file.seek(had, Deno.SeekMode.Start);
  let done = had > 0 ? head.length + had : 0;
  try {
    await fetchBlob(pull.repository, layer, {
      had: { bytes: done, hash: whole },
      async write(piece, at) {
        const from = Math.max(head.length - at, 0);
        const to = Math.min(head.length + diskBytes - at, piece.length);
        const part = from < to ? piece.subarray(from, to) : new Uint8Array();
        disk.update(part);
        await writeAll(file, part);
      },
      onBytes(bytes) {
        done += bytes;
        pull.progress(done, layer.size);
      },
    });
  } catch (error) {
    if (!(error instanceof PimError) || error.exitCode !== exitCode.checksum) throw error;
    await removeIfThere(path);
    if (had === 0) throw error;
    return await pullOwnDisk(pull, own, path);
  }
  await file.sync();
  return disk.digest("hex");
}

function beginningOf(source: BlobSource, size: number): BlobSource {
  return { size, read: (offset, length) => source.read(offset, length) };
}
