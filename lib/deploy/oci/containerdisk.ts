import { createHash } from "node:crypto";
import type { DeployImage } from "../target.ts";
import { type BlobSource, bytesSource, joinedSource } from "./blob_source.ts";
import { recordBytes, tarHeader, tarPadding } from "./tar.ts";

// What KubeVirt's machines run as, and what it wants to read: https://kubevirt.io/user-guide/storage/disks_and_volumes/#containerdisk
const qemuUser = 107;

/** The path of an image's disk in the layer of a containerDisk. */
export function diskPath({ entry }: Pick<DeployImage, "entry">): string {
  return `disk/${entry.name}.qcow2`;
}

/** The layer of a containerDisk as it is written: a tar archive with the disk in the folder that KubeVirt looks into. */
export function diskArchive(image: Pick<DeployImage, "entry">, disk: BlobSource): BlobSource {
  const owner = { uid: qemuUser, gid: qemuUser };
  const folder = tarHeader({ path: "disk/", size: 0, mode: 0o755, type: "5", ...owner });
  const file = tarHeader({ path: diskPath(image), size: disk.size, mode: 0o440, type: "0", ...owner });
  return joinedSource([
    bytesSource(folder),
    bytesSource(file),
    disk,
    // Two empty records end an archive.
    bytesSource(new Uint8Array(tarPadding(disk.size) + 2 * recordBytes)),
  ]);
}

/** Hashes the disk alone while its archive goes by in pieces. */
export function diskHasher(diskBytes: number): { take(piece: Uint8Array): void; hex(): string } {
  const hash = createHash("sha256");
  const begin = 2 * recordBytes;
  let at = 0;
  return {
    take(piece) {
      const from = Math.max(begin - at, 0);
      const to = Math.min(begin + diskBytes - at, piece.length);
      if (from < to) hash.update(piece.subarray(from, to));
      at += piece.length;
    },
    hex: () => hash.digest("hex"),
  };
}
