import type { DeployImage } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";

/** An object in S3. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

/** The disk of an image in S3; its name tells the image's content. */
export function objectKey(prefix: string, { entry, sha256 }: DeployImage): string {
  return `${prefix}${entry.name}-${sha256.slice(0, 16)}.vmdk`;
}

/** An object's name, for people. */
export function showObject({ bucket, key }: ObjectPlace): string {
  return `s3://${bucket}/${key}`;
}

/** Makes sure that a bucket can be used, before anything is done for it. */
export async function checkBucket(cloud: Cloud, bucket: string): Promise<void> {
  await cloud.ask(
    `use the bucket ${bucket}`,
    (options) =>
      cloud.s3.headBucket({ Bucket: bucket }, options).catch((error) => {
        // There is nothing else that can be missing here.
        if (isAwsError(error, "NotFound", "404")) error.Code = "NoSuchBucket";
        throw error;
      }),
  );
}

/** Whether the whole disk of an image lies there, put there by pim. */
export async function hasObject(cloud: Cloud, place: ObjectPlace, sha256: string): Promise<boolean> {
  const head = await cloud.ask(
    `look for ${showObject(place)}`,
    (options) =>
      cloud.s3.headObject({ Bucket: place.bucket, Key: place.key }, options).catch((error) => {
        if (isAwsError(error, "NotFound", "NoSuchKey", "404")) return undefined;
        throw error;
      }),
  );
  return head?.Metadata?.["pim-sha256"] === sha256;
}

/** The ids of uploads of an object that were begun and not completed, the oldest first. */
export async function unfinishedUploads(
  cloud: Cloud,
  { bucket, key }: ObjectPlace,
): Promise<readonly string[]> {
  const found = await cloud.ask(
    `look for unfinished uploads in ${bucket}`,
    (options) =>
      cloud.s3.listMultipartUploads({ Bucket: bucket, Prefix: key }, options).catch((error) => {
        // Not everyone may list them, nor does every service; the one that is written down is known all the same.
        if (isAwsError(error, "AccessDenied", "NoSuchBucket", "NotImplemented")) return undefined;
        throw error;
      }),
  );
  return found?.Uploads?.flatMap(({ Key, UploadId }) => Key === key ? UploadId ?? [] : []) ?? [];
}

/**
 * Removes the object, and what uploads that were cut short have left of it: the one that is known, and those that could
 * not be written down. What is gone already is no error.
 */
export async function removeObject(cloud: Cloud, place: ObjectPlace, known?: string): Promise<void> {
  const { bucket: Bucket, key: Key } = place;
  for (const UploadId of new Set([known, ...await unfinishedUploads(cloud, place)])) {
    if (UploadId === undefined) continue;
    await cloud.ask(
      `give up the upload of ${showObject(place)}`,
      (options) =>
        cloud.s3.abortMultipartUpload({ Bucket, Key, UploadId }, options).catch((error) => {
          if (!isAwsError(error, "NoSuchUpload", "NoSuchBucket")) throw error;
        }),
    );
  }
  await cloud.ask(
    `remove ${showObject(place)}`,
    (options) =>
      cloud.s3.deleteObject({ Bucket, Key }, options).catch((error) => {
        if (!isAwsError(error, "NoSuchBucket")) throw error;
      }),
  );
}
