import type { ImportSnapshotTask, SnapshotTaskDetail } from "@aws-sdk/client-ec2";
import { messageOf } from "../../errors.ts";
import { pause } from "../../vm/pause.ts";
import { DeployError } from "../deploy_error.ts";
import type { ActionContext, DeployImage } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { marks } from "./marks.ts";
import { type ObjectPlace, removeObject, showObject } from "./object.ts";
import type { AwsSettings } from "./settings.ts";

/** How far an import is. */
export interface ImportState {
  readonly state: "active" | "completed" | "failed";
  /** 0 to 1. */
  readonly fraction: number;
  readonly snapshot?: string;
  /** In AWS's words. */
  readonly message: string;
}

/** Asks how far an import is; undefined when EC2 knows none with this id. */
export async function importState(cloud: Cloud, taskId: string): Promise<ImportState | undefined> {
  const answer = await cloud.ask(
    `look at the import ${taskId}`,
    (options) =>
      cloud.ec2.describeImportSnapshotTasks({ ImportTaskIds: [taskId] }, options).catch((error) => {
        if (isAwsError(error, "InvalidConversionTaskId.NotFound", "InvalidConversionTaskId")) {
          return undefined;
        }
        throw error;
      }),
  );
  const task: ImportSnapshotTask | undefined = answer?.ImportSnapshotTasks?.[0];
  return task?.SnapshotTaskDetail === undefined ? undefined : stateOf(task.SnapshotTaskDetail);
}

function stateOf({ Status, Progress, SnapshotId, StatusMessage }: SnapshotTaskDetail): ImportState {
  return {
    state: Status === "active" || Status === "completed" ? Status : "failed",
    fraction: Status === "completed" ? 1 : Math.min(100, Number(Progress ?? 0) || 0) / 100,
    ...(SnapshotId !== undefined && { snapshot: SnapshotId }),
    message: StatusMessage ?? Status ?? "",
  };
}

/** Lets EC2 make a snapshot of the disk in S3, and writes down the task. One that was begun before is not begun again. */
export async function beginImport(
  cloud: Cloud,
  place: ObjectPlace,
  { image, settings }: { readonly image: DeployImage; readonly settings: AwsSettings },
  { ids, made }: ActionContext,
): Promise<string> {
  // A token that was written down and has no task: its request may have arrived before pim was killed.
  const token = ids.importTask === undefined && ids.importToken !== undefined
    ? ids.importToken
    : crypto.randomUUID();
  await made({ importToken: token, importTask: "" });
  const what = `import ${showObject(place)} as a snapshot`;
  const { ImportTaskId } = await cloud.ask(what, (options) =>
    cloud.ec2.importSnapshot({
      ...{ ClientToken: token, RoleName: settings.role, Description: `pim: ${image.entry.name}` },
      DiskContainer: {
        ...{ Format: "VMDK", Description: image.entry.name },
        UserBucket: { S3Bucket: place.bucket, S3Key: place.key },
      },
      ...(settings.encrypted && { Encrypted: true }),
      ...(settings.kms_key_id !== undefined && { KmsKeyId: settings.kms_key_id }),
      TagSpecifications: [{ ResourceType: "import-snapshot-task", Tags: marks(image) }],
    }, options).catch((cause) => {
      throw /service role|\brole\b.*does not exist/i.test(messageOf(cause))
        ? missingRole(what, settings, place, cause)
        : cause;
    }));
  if (ImportTaskId === undefined) throw new DeployError(`Cannot ${what}: EC2 named no task`);
  await made({ importTask: ImportTaskId });
  return ImportTaskId;
}

function missingRole(
  what: string,
  { role }: AwsSettings,
  { bucket }: ObjectPlace,
  cause: unknown,
): DeployError {
  return new DeployError(
    `Cannot ${what}: AWS has no role ${role} that VM Import may take on and that may read ${bucket}`,
    {
      hint:
        `Make a role ${role} that trusts vmie.amazonaws.com (sts:ExternalId "vmimport") with s3:GetBucketLocation, ` +
        `s3:ListBucket and s3:GetObject on ${bucket}, ec2:ModifySnapshotAttribute, ec2:CopySnapshot, ` +
        "ec2:RegisterImage and ec2:Describe* (AWS's guide: VM Import/Export, Required service role), or name yours as " +
        "`role` in targets.d. The upload is kept: the same command then goes on from there.",
      cause,
    },
  );
}

/** Waits for an import; its snapshot is then marked and written down. */
export async function awaitImport(
  cloud: Cloud,
  taskId: string,
  { image, place }: { readonly image: DeployImage; readonly place: ObjectPlace },
  context: ActionContext,
): Promise<void> {
  const { bytes } = image.entry;
  for (let waitMs = firstWaitMs;; waitMs = Math.min(waitMs * 1.5, maxWaitMs)) {
    const { state, fraction, snapshot, message } = await importState(cloud, taskId) ??
      { state: "failed", fraction: 0, message: "it is gone" };
    if (state === "failed") {
      // AWS has refused the disk: the same one is not of use again.
      await removeObject(cloud, place);
      throw new DeployError(`Cannot import ${image.entry.name} as a snapshot (${taskId}): ${message}`, {
        hint:
          "The disk was removed from S3. `pim verify` tells whether the image boots; then type the same again.",
      });
    }
    context.progress(fraction * bytes, bytes);
    if (state === "completed" && snapshot !== undefined) {
      await cloud.ask(
        `tag the snapshot ${snapshot}`,
        (options) => cloud.ec2.createTags({ Resources: [snapshot], Tags: marks(image) }, options),
      );
      await context.made({ snapshot, importTask: "", importToken: "" });
      return;
    }
    await pause(waitMs, context.signal);
  }
}

// An import takes minutes; a small one is not waited for longer than need be.
const firstWaitMs = 300;
const maxWaitMs = 15_000;

/** Ends an import that still runs. */
export async function cancelImport(cloud: Cloud, taskId: string): Promise<void> {
  await cloud.ask(
    `end the import ${taskId}`,
    (options) =>
      cloud.ec2.cancelImportTask(
        { ImportTaskId: taskId, CancelReason: "pim removes the deployment" },
        options,
      ),
  );
}
