import { createHash } from "node:crypto";
import type { DeployImage } from "../target.ts";
import { type BlobSource, bytesSource, joinedSource } from "./blob_source.ts";
import { recordBytes, tarHeader, tarPadding } from "./tar.ts";

// What KubeVirt's machines run as, and what it wants to read: https://kubevirt.io/user-guide/storage/disks_and_volumes/#containerdisk
const qemuUser = 107;

/** What stands before the disk in the layer of a containerDisk: the folder that KubeVirt looks into, and the file. */
export function archiveHead(name: string, diskBytes: number): Uint8Array<ArrayBuffer> {
  const owner = { uid: qemuUser, gid: qemuUser };
  const head = new Uint8Array(2 * recordBytes);
  head.set(tarHeader({ path: "disk/", size: 0, mode: 0o755, type: "5", ...owner }));
  const file = { path: `disk/${name}.qcow2`, size: diskBytes, mode: 0o440, type: "0", ...owner };
  head.set(tarHeader(file), recordBytes);
  return head;
}

/** The layer of a containerDisk as it is written: a tar archive of the disk. */
export function diskArchive({ entry }: Pick<DeployImage, "entry">, disk: BlobSource): BlobSource {
  return joinedSource([
    bytesSource(archiveHead(entry.name, disk.size)),
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
