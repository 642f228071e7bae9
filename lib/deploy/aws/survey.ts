import type { Ids } from "../target.ts";
import type { Ami } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import { importState } from "./import_task.ts";
import { hasObject, type ObjectPlace } from "./object.ts";
import { hasSnapshot } from "./snapshot.ts";

/** What is there already of a deployment. */
export interface Begun {
  /** The disk, imported. */
  readonly snapshot?: string;
  /** An import that runs. */
  readonly task?: string;
  /** The disk lies in S3, whole. */
  readonly uploaded: boolean;
  /** An upload to another place, of a run with other settings. */
  readonly abandoned?: ObjectPlace & { readonly upload?: string };
}

/** Asks what an earlier run, cut short, has got done. What an AMI is made of already is no part of a new one. */
export async function survey(
  cloud: Cloud,
  { ids, ami, place, sha256 }: {
    readonly ids: Ids;
    readonly ami: Ami | undefined;
    readonly place: ObjectPlace;
    readonly sha256: string;
  },
): Promise<Begun> {
  const { bucket, key, upload } = ids;
  const moved = bucket !== undefined && key !== undefined && (bucket !== place.bucket || key !== place.key);
  const abandoned = moved && { abandoned: { bucket, key, ...(upload !== undefined && { upload }) } };
  const isFree = async (id: string) => ami?.snapshots.includes(id) !== true && await hasSnapshot(cloud, id);
  const uploaded = await hasObject(cloud, place, sha256);
  if (ids.snapshot !== undefined && await isFree(ids.snapshot)) {
    return { uploaded, snapshot: ids.snapshot, ...abandoned };
  }
  const task = ids.importTask === undefined ? undefined : await importState(cloud, ids.importTask);
  const alive = task?.state === "active" ||
    (task?.state === "completed" && task.snapshot !== undefined && await isFree(task.snapshot));
  return { uploaded, ...(alive && { task: ids.importTask }), ...abandoned };
}
