import type { Tag } from "@aws-sdk/client-ec2";
import type { Deployed } from "../target.ts";

/** The key of the tag that all bear which pim has made. */
export const shaTag = "pim:sha256";

/** The tags by which pim knows what it has made; named like the image unless it has a name of its own. */
export function marks({ entry, sha256 }: Deployed, name: string = entry.name): Tag[] {
  return [
    { Key: "Name", Value: name },
    { Key: "pim:image", Value: entry.name },
    { Key: shaTag, Value: sha256 },
  ];
}

/** The SHA-256 of the image that something was made from, or undefined when pim has not made it. */
export function markedSha256(tags: readonly Tag[] | undefined): string | undefined {
  return tags?.find(({ Key }) => Key === shaTag)?.Value;
}
