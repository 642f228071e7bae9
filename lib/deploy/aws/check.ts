import type { TargetCheck } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { checkBucket } from "./object.ts";
import { dryRun, outcome } from "./outcome.ts";
import type { AwsSettings } from "./settings.ts";

/** Looks whether the bucket can be used, and whether the credentials allow what a deployment asks of EC2. */
export async function checkTarget(
  cloud: Cloud,
  { bucket, role }: AwsSettings,
): Promise<readonly TargetCheck[]> {
  const { ec2, region } = cloud;
  return [
    await outcome("images", async () => {
      await dryRun(
        cloud,
        "list AMIs",
        (options) => ec2.describeImages({ DryRun: true, Owners: ["self"] }, options),
      );
      return `AMIs in ${region} can be listed`;
    }),
    // Not the first: its answer has no words, and cannot tell wrong keys from a bucket of others.
    await outcome("bucket", async () => {
      await checkBucket(cloud, bucket);
      return `${bucket} in ${region} can be used`;
    }),
    await outcome("import", async () => {
      await dryRun(cloud, "import snapshots", (options) =>
        ec2.importSnapshot({
          ...{ DryRun: true, RoleName: role },
          DiskContainer: { Format: "VMDK", UserBucket: { S3Bucket: bucket, S3Key: "pim-check.vmdk" } },
        }, options));
      return "snapshots can be imported";
    }),
  ];
}
