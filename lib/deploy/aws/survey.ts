import type { Ids } from "../target.ts";
import type { Ami } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import { importState } from "./import_task.ts";
import { hasObject, type ObjectPlace } from "./object.ts";
import { getSnapshot } from "./snapshot.ts";

/** What is there already of a deployment. */
export interface Begun {
  /** The disk, imported. */
  readonly snapshot?: string;
  /** An import that runs. */
  readonly task?: string;
  /** The disk lies in S3, whole. */
  readonly uploaded: boolean;
  /** What a run with other settings has begun elsewhere. */
  readonly abandoned?: ObjectPlace & { readonly upload?: string; readonly importTask?: string };
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
  const { bucket, key, upload, snapshot, importTask } = ids;
  const uploaded = await hasObject(cloud, place, sha256);
  const isFree = (id: string) => ami?.snapshots.includes(id) !== true;
  if (snapshot !== undefined && isFree(snapshot) && (await getSnapshot(cloud, snapshot))?.sha256 === sha256) {
    return { uploaded, snapshot };
  }
  if (bucket !== undefined && key !== undefined && (bucket !== place.bucket || key !== place.key)) {
    const more = { ...(upload !== undefined && { upload }), ...(importTask !== undefined && { importTask }) };
    return { uploaded, abandoned: { bucket, key, ...more } };
  }
  if (importTask === undefined) return { uploaded };
  const task = await importState(cloud, importTask);
  const isAlive = task?.state === "active" || (task?.state === "completed" && task.snapshot !== undefined &&
    isFree(task.snapshot) && await getSnapshot(cloud, task.snapshot) !== undefined);
  return { uploaded, ...(isAlive && { task: importTask }) };
}
