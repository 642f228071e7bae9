import { messageOf, PimError } from "../../errors.ts";
import type { TargetCheck } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { checkBucket } from "./object.ts";
import type { AwsSettings } from "./settings.ts";

/** Looks whether the bucket can be used, and whether the credentials allow what a deployment asks of EC2. */
export async function checkTarget(
  cloud: Cloud,
  { bucket, role }: AwsSettings,
): Promise<readonly TargetCheck[]> {
  const { ec2, region } = cloud;
  return [
    await outcome(
      "images",
      `AMIs in ${region} can be listed`,
      () =>
        dryRun(
          cloud,
          "list AMIs",
          (options) => ec2.describeImages({ DryRun: true, Owners: ["self"] }, options),
        ),
    ),
    // Not the first: its answer has no words, and cannot tell wrong keys from a bucket of others.
    await outcome("bucket", `${bucket} in ${region} can be used`, () => checkBucket(cloud, bucket)),
    await outcome(
      "import",
      "snapshots can be imported",
      () =>
        dryRun(cloud, "import snapshots", (options) =>
          ec2.importSnapshot({
            ...{ DryRun: true, RoleName: role },
            DiskContainer: { Format: "VMDK", UserBucket: { S3Bucket: bucket, S3Key: "pim-check.vmdk" } },
          }, options)),
    ),
  ];
}

async function outcome(name: string, detail: string, look: () => Promise<void>): Promise<TargetCheck> {
  try {
    await look();
    return { name, ok: true, detail };
  } catch (error) {
    if (!(error instanceof PimError) || error.exitCode === 130) throw error;
    return {
      name,
      ok: false,
      detail: messageOf(error),
      ...(error.hint !== undefined && { hint: error.hint }),
    };
  }
}

/** EC2 answers a dry run with an error in any case: DryRunOperation when it would have been done. */
async function dryRun(
  cloud: Cloud,
  what: string,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  try {
    await cloud.ask(what, send);
  } catch (error) {
    if (!isAwsError(error, "DryRunOperation")) throw error;
  }
}
