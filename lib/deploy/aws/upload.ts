import { createHash } from "node:crypto";
import type { Part } from "@aws-sdk/client-s3";
import { DeployError } from "../deploy_error.ts";
import type { ActionContext, DeployImage } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { hasObject, type ObjectPlace, removeObject, showObject, unfinishedUploads } from "./object.ts";

const mebibyte = 1024 * 1024;
const maxParts = 10_000;
const atOnce = 4;

/** Size of the parts of an upload: 8 MiB, and more for what would have more than 10,000 of them. */
export function partBytes(totalBytes: number): number {
  return Math.max(8, Math.ceil(totalBytes / maxParts / mebibyte)) * mebibyte;
}

/** A part that S3 has. */
interface DonePart {
  readonly etag: string;
  readonly sha256: string;
}

/**
 * Uploads a file in parts. The upload is written down as soon as it is begun; of one that was cut short, only the parts
 * that are missing or differ are sent.
 */
export async function uploadFile(
  cloud: Cloud,
  place: ObjectPlace,
  { path, image }: { readonly path: string; readonly image: DeployImage },
  context: ActionContext,
): Promise<void> {
  const { size } = await Deno.stat(path);
  const { uploadId, parts: known } = await takeUp(cloud, place, context) ??
    await begin(cloud, place, image, context);
  const length = partBytes(size);
  const count = Math.max(1, Math.ceil(size / length));
  const done: DonePart[] = [];
  let sentBytes = 0;
  await inTurn(count, async (index) => {
    const piece = await readPiece(path, index * length, Math.min(length, size - index * length));
    done[index] = await sendPart(cloud, place, { uploadId, number: index + 1, piece, known });
    context.progress(sentBytes += piece.length, size);
  });
  await complete(cloud, place, { uploadId, parts: done, sha256: image.sha256 });
  await context.made({ upload: "" });
}

/** The upload that an earlier run has begun, with the parts that S3 has of it. */
async function takeUp(
  cloud: Cloud,
  place: ObjectPlace,
  { ids, made }: ActionContext,
): Promise<{ uploadId: string; parts: readonly Part[] } | undefined> {
  const uploadId = ids.upload ?? (await unfinishedUploads(cloud, place)).at(-1);
  if (uploadId === undefined) return undefined;
  const parts = await listParts(cloud, place, uploadId);
  if (parts === undefined) return undefined;
  if (uploadId !== ids.upload) await made({ upload: uploadId });
  return { uploadId, parts };
}

/** The parts of an upload, or undefined when S3 does not know it. */
async function listParts(
  cloud: Cloud,
  place: ObjectPlace,
  uploadId: string,
): Promise<readonly Part[] | undefined> {
  const upload = { Bucket: place.bucket, Key: place.key, UploadId: uploadId };
  const parts: Part[] = [];
  let marker: string | undefined;
  do {
    const page = await cloud.ask(
      `list what was uploaded of ${showObject(place)}`,
      (options) =>
        cloud.s3.listParts({ ...upload, ...(marker !== undefined && { PartNumberMarker: marker }) }, options)
          .catch((error) => {
            if (isAwsError(error, "NoSuchUpload")) return undefined;
            throw error;
          }),
    );
    if (page === undefined) return undefined;
    parts.push(...page.Parts ?? []);
    marker = page.IsTruncated ? page.NextPartNumberMarker : undefined;
  } while (marker !== undefined);
  return parts;
}

async function begin(
  cloud: Cloud,
  place: ObjectPlace,
  { entry, sha256 }: DeployImage,
  { made }: ActionContext,
): Promise<{ uploadId: string; parts: readonly Part[] }> {
  const { UploadId } = await cloud.ask(
    `begin to upload ${showObject(place)}`,
    (options) =>
      cloud.s3.createMultipartUpload({
        ...{ Bucket: place.bucket, Key: place.key, ChecksumAlgorithm: "SHA256" },
        Metadata: { "pim-image": entry.name, "pim-sha256": sha256 },
      }, options),
  );
  if (UploadId === undefined) {
    throw new DeployError(`Cannot begin to upload ${showObject(place)}: S3 named no upload`);
  }
  await made({ upload: UploadId });
  return { uploadId: UploadId, parts: [] };
}

async function sendPart(
  cloud: Cloud,
  place: ObjectPlace,
  { uploadId, number, piece, known }: {
    readonly uploadId: string;
    readonly number: number;
    readonly piece: Uint8Array;
    readonly known: readonly Part[];
  },
): Promise<DonePart> {
  const sha256 = createHash("sha256").update(piece).digest("base64");
  const there = known.find(({ PartNumber }) => PartNumber === number);
  if (there?.ETag !== undefined && isSame(there, piece, sha256)) return { etag: there.ETag, sha256 };
  const { ETag } = await cloud.ask(
    `upload part ${number} of ${showObject(place)}`,
    (options) =>
      cloud.s3.uploadPart({
        ...{ Bucket: place.bucket, Key: place.key, UploadId: uploadId, PartNumber: number },
        ...{ Body: piece, ContentLength: piece.length, ChecksumSHA256: sha256 },
      }, options),
  );
  if (ETag === undefined) {
    throw new DeployError(`Cannot upload part ${number} of ${showObject(place)}: S3 sent no ETag`);
  }
  return { etag: ETag, sha256 };
}

/** Whether S3 has this piece; services that keep no checksums give its MD5 as ETag, unless they encrypt. */
function isSame({ ChecksumSHA256, ETag }: Part, piece: Uint8Array, sha256: string): boolean {
  if (ChecksumSHA256 !== undefined) return ChecksumSHA256 === sha256;
  return ETag?.replaceAll('"', "") === createHash("md5").update(piece).digest("hex");
}

async function complete(
  cloud: Cloud,
  place: ObjectPlace,
  { uploadId, parts, sha256 }: {
    readonly uploadId: string;
    readonly parts: readonly DonePart[];
    readonly sha256: string;
  },
): Promise<void> {
  const completed = await cloud.ask(
    `complete the upload of ${showObject(place)}`,
    (options) =>
      cloud.s3.completeMultipartUpload({
        ...{ Bucket: place.bucket, Key: place.key, UploadId: uploadId },
        MultipartUpload: {
          Parts: parts.map(({ etag, sha256 }, index) => ({
            ...{ PartNumber: index + 1, ETag: etag, ChecksumSHA256: sha256 },
          })),
        },
      }, options),
  ).catch(async (error) => {
    // Done already, when the answer to the first try was lost.
    if (isAwsError(error, "NoSuchUpload") && await hasObject(cloud, place, sha256)) return undefined;
    throw error;
  });
  const hash = createHash("sha256");
  for (const { sha256 } of parts) hash.update(sha256, "base64");
  // "Checksums of checksums" is how S3 sums up an upload in parts; other services may leave it out.
  const told = completed?.ChecksumSHA256;
  const expected = `${hash.digest("base64")}-${parts.length}`;
  if (told === undefined || told === expected) return;
  await removeObject(cloud, place);
  throw new DeployError(
    `Cannot upload ${showObject(place)}: what has arrived is not what was sent (its checksum is ${told})`,
    {
      hint: "It was removed there. Check the memory and the network of this host, then type the same again.",
    },
  );
}

async function readPiece(path: string, offset: number, length: number): Promise<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(offset, Deno.SeekMode.Start);
  const piece = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = await file.read(piece.subarray(filled));
    if (count === null) throw new DeployError(`Cannot read ${path}: it became shorter while it was uploaded`);
    filled += count;
  }
  return piece;
}

/** Does the work for 0, 1, … some at once; after a failure nothing new is begun, and what runs comes to its end. */
async function inTurn(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async () => {
    while (next < count && !failed) {
      try {
        await work(next++);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(atOnce, count) }, worker));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
