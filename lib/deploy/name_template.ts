import * as v from "valibot";
import { UsageError } from "../errors.ts";
import type { ImageEntry } from "../image/entry.ts";
import { isName } from "../paths.ts";

const fields = ["name", "profile", "architecture"] as const;

/** What an image is called at a target: a text with {name}, {profile} and {architecture}; "{name}" unless given. */
export const nameTemplate = v.optional(
  v.pipe(
    v.string(),
    v.check(
      (text) => isName(text.replaceAll(new RegExp(`\\{(${fields.join("|")})\\}`, "g"), "x")),
      "a name; {name}, {profile} and {architecture} stand for the image's",
    ),
  ),
  "{name}",
);

/** The name that a template makes for an image. */
export function fillName(template: string, entry: Pick<ImageEntry, (typeof fields)[number]>): string {
  const name = fields.reduce((text, field) => text.replaceAll(`{${field}}`, entry[field]), template);
  if (isName(name)) return name;
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of an image at a target`, {
    hint: "Shorten `name` in targets.d: 64 letters, digits, dots, dashes and underscores at most.",
  });
}
