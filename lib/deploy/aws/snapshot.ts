import { pause } from "../../vm/pause.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { markedSha256 } from "./marks.ts";

/** A snapshot that is there and finished; `sha256` is that of the image that it was made from, once it is marked. */
export async function getSnapshot(
  cloud: Cloud,
  id: string,
): Promise<{ readonly sha256?: string } | undefined> {
  const answer = await cloud.ask(
    `look at the snapshot ${id}`,
    (options) =>
      cloud.ec2.describeSnapshots({ SnapshotIds: [id] }, options).catch((error) => {
        if (isAwsError(error, "InvalidSnapshot.NotFound")) return undefined;
        throw error;
      }),
  );
  const found = answer?.Snapshots?.[0];
  if (found?.State !== "completed") return undefined;
  const sha256 = markedSha256(found.Tags);
  return sha256 === undefined ? {} : { sha256 };
}

/** Removes a snapshot; one that is gone already is no error. */
export async function removeSnapshot(cloud: Cloud, id: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await cloud.ask(
        `remove the snapshot ${id}`,
        async (options) => void await cloud.ec2.deleteSnapshot({ SnapshotId: id }, options),
      );
    } catch (error) {
      if (isAwsError(error, "InvalidSnapshot.NotFound")) return;
      // For a moment after its AMI was deregistered.
      if (!isAwsError(error, "InvalidSnapshot.InUse") || attempt === 4) throw error;
      await pause(attempt * 1000, signal);
    }
  }
}
