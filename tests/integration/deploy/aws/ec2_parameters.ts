import { element } from "./failure.ts";

/** Parameters of a request: "DiskContainer.UserBucket.S3Key" -> value. */
export type Parameters = Readonly<Record<string, string>>;

/** Parameters that an action must have, and those that it may have. */
export interface ActionSpec {
  readonly must: readonly RegExp[];
  readonly may: readonly RegExp[];
}

/** The tags in a request, below a prefix such as "TagSpecification.1.Tag". */
export function tagsOf(parameters: Parameters, prefix: string): Record<string, string> {
  const tags: Record<string, string> = {};
  for (let index = 1; parameters[`${prefix}.${index}.Key`] !== undefined; index++) {
    tags[parameters[`${prefix}.${index}.Key`]!] = parameters[`${prefix}.${index}.Value`] ?? "";
  }
  return tags;
}

/** Tags in an answer. */
export function tagsXml(tags: Readonly<Record<string, string>>): string[] {
  return Object.entries(tags).map(([key, value]) =>
    element("item", [element("key", key), element("value", value)])
  );
}
