import type { Ids } from "../target.ts";
import { deregisterAmi } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import { cancelImport, importState } from "./import_task.ts";
import { removeObject } from "./object.ts";
import { removeSnapshot } from "./snapshot.ts";

/** Removes all that a deployment has made, finished or not; what is gone already is no error. */
export async function removeAll(cloud: Cloud, ids: Ids, signal: AbortSignal): Promise<void> {
  const task = ids.importTask === undefined ? undefined : await importState(cloud, ids.importTask);
  if (ids.importTask !== undefined && task?.state === "active") await cancelImport(cloud, ids.importTask);
  if (ids.bucket !== undefined && ids.key !== undefined) {
    await removeObject(cloud, { bucket: ids.bucket, key: ids.key }, ids.upload);
  }
  if (ids.image !== undefined) await deregisterAmi(cloud, ids.image);
  const snapshots = [ids.snapshot, task?.snapshot, ...ids.replacedSnapshots?.split(" ") ?? []];
  for (const id of new Set(snapshots)) {
    if (id !== undefined) await removeSnapshot(cloud, id, signal);
  }
}
