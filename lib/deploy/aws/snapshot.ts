import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { pause } from "./pause.ts";

/** Whether a snapshot is there and finished. */
export async function hasSnapshot(cloud: Cloud, id: string): Promise<boolean> {
  const answer = await cloud.ask(
    `look at the snapshot ${id}`,
    (options) =>
      cloud.ec2.describeSnapshots({ SnapshotIds: [id] }, options).catch((error) => {
        if (isAwsError(error, "InvalidSnapshot.NotFound")) return undefined;
        throw error;
      }),
  );
  return answer?.Snapshots?.[0]?.State === "completed";
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
