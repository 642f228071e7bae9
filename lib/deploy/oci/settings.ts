import * as v from "valibot";
import { UsageError } from "../../errors.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { secretReference } from "../secret.ts";
import { isTag, readReference, type Reference } from "./reference.ts";

const fields = ["name", "profile", "architecture"] as const;

/** How an image lies in a registry. */
export const layouts = ["artifact", "containerdisk"] as const;

const referenceTemplate = v.pipe(
  v.string(),
  v.check(
    (text) => typeof readReference(fill(text, () => "x")) !== "string" && !text.includes("@"),
    "a reference such as registry.example.org/team/{profile}:{name}; {name}, {profile} and {architecture} stand for the image's",
  ),
);

const tagTemplate = v.pipe(
  v.string(),
  v.check(
    (text) => isTag(fill(text, () => "x")),
    "a tag; {name}, {profile} and {architecture} stand for the image's",
  ),
);

/** The shape of a target's entry. */
export const schema = v.pipe(
  v.strictObject({
    /** Repository and tag; the image's name is the tag unless there is one. */
    reference: referenceTemplate,
    /** More tags in the same repository. */
    tags: v.optional(v.array(tagTemplate), []),
    /** `artifact`: any registry takes it, `pim image pull` gets it back; `containerdisk`: KubeVirt runs it. */
    layout: v.optional(v.picklist(layouts), "artifact"),
    /** How the layer of a containerDisk is packed. */
    layer: v.optional(v.picklist(["tar", "gzip"]), "tar"),
    /** Size of an artifact's pieces. */
    chunk_mib: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1, "1 to 1024 MiB"), v.maxValue(1024, "1 to 1024 MiB")),
      16,
    ),
    /** Whether images of several architectures are put under one tag. */
    index: v.optional(v.boolean(), false),
    /** Whom to log in as; what `docker login` or `podman login` has kept unless given. */
    username: v.optional(v.pipe(v.string(), v.nonEmpty("a name"))),
    /** The user's password or token. */
    password: v.optional(secretReference),
    /** Whether plain http is used; unless given, only for a registry on this machine. */
    insecure: v.optional(v.boolean()),
    /** Certificates of authorities to trust, in PEM. */
    ca_file: v.optional(v.pipe(v.string(), v.nonEmpty("a file"))),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { username, password, index, reference, tags } = dataset.value;
    const say = (key: string, received: string, message: string) =>
      addIssue({
        message,
        received,
        path: [{ type: "object", origin: "value", input: dataset.value, key, value: "" }],
      });
    if (username !== undefined && password === undefined) {
      say("password", "undefined", "a reference to the password");
    }
    if (username === undefined && password !== undefined) {
      say("username", "undefined", "whose password it is");
    }
    if (!index) return;
    const wrong = [tagOf(reference), ...tags].find(isOfOneArchitecture);
    if (wrong === undefined) return;
    say(
      wrong === tagOf(reference) ? "reference" : "tags",
      wrong,
      "a tag for all architectures, such as registry.example.org/team/{profile}:latest, when index is true",
    );
  }),
);

/** A target's entry, checked. */
export type Settings = v.InferOutput<typeof schema>;

/** Where an image goes: a reference with a tag, and more tags. */
export interface Destination {
  readonly reference: Reference;
  /** All tags, that of the reference first. */
  readonly tags: readonly string[];
}

/** Where images go, with something in the place of their names: for looking whether the registry takes any. */
export function sampleDestination({ reference }: Pick<Settings, "reference">): Reference {
  return readReference(fill(reference, () => "x")) as Reference;
}

/** Where an image goes by a target's settings. */
export function destination(
  { reference, tags }: Pick<Settings, "reference" | "tags">,
  entry: Pick<ImageEntry, (typeof fields)[number]>,
): Destination {
  const filled = fill(reference, (field) => entry[field]);
  const read = readReference(filled);
  if (typeof read === "string") {
    throw new UsageError(`Cannot deploy ${entry.name} to ${filled}: it ${read}`, {
      hint: "Change `reference` in targets.d; repositories have lower-case names.",
    });
  }
  const all = [read.tag ?? entry.name, ...tags.map((tag) => fill(tag, (field) => entry[field]))];
  const wrong = all.find((tag) => !isTag(tag));
  if (wrong === undefined) return { reference: { ...read, tag: all[0]! }, tags: [...new Set(all)] };
  throw new UsageError(`${JSON.stringify(wrong)} cannot be the tag of an image`, {
    hint: "Shorten it in targets.d: 128 letters, digits, dots, dashes and underscores at most.",
  });
}

function fill(template: string, value: (field: (typeof fields)[number]) => string): string {
  return fields.reduce((text, field) => text.replaceAll(`{${field}}`, value(field)), template);
}

function tagOf(reference: string): string {
  // Without a tag of its own the image's name is the tag.
  return /:([^/:]+)$/.exec(reference)?.[1] ?? "{name}";
}

function isOfOneArchitecture(tag: string): boolean {
  return tag.includes("{name}") || tag.includes("{architecture}");
}
