import type { JsonObject } from "./json_lines.ts";
import type { ExecuteOptions, QmpClient } from "./qmp.ts";

/** A new overlay that a running machine is to write to from now on. */
export interface SnapshotRequest {
  /** The node that is written to now: disk0, or the `overlayNode` of the last snapshot. */
  readonly node: string;
  /** Path of the qcow2 overlay, made by `createUnopenedOverlay` over the file of `node` and not in use yet. */
  readonly overlay: string;
  /** The name that the new node gets; at most 31 letters, digits and dashes. */
  readonly overlayNode: string;
  /** As in DiskSpec: nothing waits for the new overlay to be on the platter. */
  readonly throwaway?: boolean;
}

/**
 * Lets a machine, running or stopped, write to a new overlay; QEMU then has the file of `node` open for reading only,
 * with all that was written in it (on its way to the platter; fsync is the caller's).
 * What the guest has not written yet is missing in it: freeze its file systems before.
 */
export async function snapshotDisk(
  qmp: QmpClient,
  request: SnapshotRequest,
  options: ExecuteOptions = {},
): Promise<void> {
  const { node, overlayNode } = request;
  // Added by itself, and not by blockdev-snapshot-sync, which opens it without the disk's own options.
  await qmp.execute("blockdev-add", overlayOptions(request), options);
  try {
    await qmp.execute("blockdev-snapshot", { node, overlay: overlayNode }, options);
  } catch (error) {
    // Without the signal: a node that is left would hold the overlay's lock.
    await qmp.execute("blockdev-del", { "node-name": overlayNode }).catch(() => {});
    throw error;
  }
}

/** The options of a disk's overlay: those of `diskArgs`, and no backing file, because that is open already. */
function overlayOptions({ overlay, overlayNode, throwaway }: SnapshotRequest): JsonObject {
  return {
    "node-name": overlayNode,
    driver: "qcow2",
    discard: "unmap",
    "detect-zeroes": "unmap",
    ...(throwaway && { cache: { direct: false, "no-flush": true } }),
    file: { driver: "file", filename: overlay },
    backing: null,
  };
}
