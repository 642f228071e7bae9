import type { Tag } from "@aws-sdk/client-ec2";
import type { DeployImage } from "../target.ts";

/** The tags by which pim knows what it has made. */
export function marks({ entry, sha256 }: DeployImage): Tag[] {
  return [
    { Key: "Name", Value: entry.name },
    { Key: "pim:image", Value: entry.name },
    { Key: "pim:sha256", Value: sha256 },
  ];
}

/** The SHA-256 of the image that something was made from, or undefined when pim has not made it. */
export function markedSha256(tags: readonly Tag[] | undefined): string | undefined {
  return tags?.find(({ Key }) => Key === "pim:sha256")?.Value;
}
