import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off, parseCount } from "../flags.ts";
import { profileName, profileOrImage } from "../names.ts";

/** `pim build list` */
export const list: PimCommand = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./list_impl.ts")).list,
  parameters: {
    flags: { ...jsonFlag, long: { ...off, brief: "With size, ISO and file" } },
    aliases: { l: "long" },
  },
  docs: {
    brief: "List the images that were built",
    examples: { "pim build list -l": "With size, ISO and file" },
  },
});

/** `pim build show` */
export const show: PimCommand = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./list_impl.ts")).show,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [profileOrImage],
    },
  },
  docs: {
    brief: "Print what is known of an image",
    examples: {
      "pim build show web": "The newest image of the profile web",
      "pim build show web-amd64-20260101T120000Z --json": "A certain image, for scripts",
    },
  },
});

/** `pim build status` */
export const status: PimCommand = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./list_impl.ts")).status,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print the builds that run, and what failed ones left",
    examples: { "pim build status": "What runs, and what failed builds left" },
  },
});

/** Flags of `pim build clean`. */
export interface CleanFlags extends JsonFlags {
  readonly keep?: number;
  readonly dryRun: boolean;
}

/** `pim build clean` */
export const clean: PimCommand = buildCommand<CleanFlags, [string?], PimContext>({
  loader: async () => (await import("./list_impl.ts")).clean,
  parameters: {
    flags: {
      ...jsonFlag,
      keep: {
        kind: "parsed",
        parse: parseCount,
        optional: true,
        brief: "Remove images too, except the newest N of each profile and architecture",
        placeholder: "N",
      },
      dryRun: { ...off, brief: "Print what would be removed" },
    },
    positional: {
      kind: "tuple",
      parameters: [{ ...profileName, optional: true, brief: "Only what belongs to this profile" }],
    },
  },
  docs: {
    brief: "Remove what failed builds left, and old images on request",
    examples: {
      "pim build clean --dry-run": "Only say what would go",
      "pim build clean --keep 3": "Remove all but the newest three images of each profile",
    },
  },
});
