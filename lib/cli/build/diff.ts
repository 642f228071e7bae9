import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";
import { liveOrFile } from "../names.ts";

const image = {
  parse: String,
  placeholder: "IMAGE|PROFILE|FILE",
  proposeCompletions: liveOrFile("profiles", "images"),
} as const;

/** `pim build diff` */
export const diff = buildCommand<JsonFlags, [string, string?], PimContext>({
  loader: async () => (await import("./diff_impl.ts")).diff,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [
        { ...image, brief: "An image, a profile (its newest image), or the path of a manifest" },
        {
          ...image,
          optional: true,
          brief: "The later image (default: the first one, compared with the one built before it)",
        },
      ],
    },
  },
  docs: {
    brief: "Print how two images differ: packages and inputs",
    fullDescription:
      "Compares the manifests of two images: packages that were added, removed, upgraded or downgraded, and what the\n" +
      "builds were made of. With one name, the image is compared with the one of its profile that was built before.",
    examples: {
      "pim build diff web": "The newest image of web, and the one before it",
      "pim build diff web-amd64-20260101T120000Z web": "An image, and the newest one",
      "pim build diff old/web.manifest.json web --json": "A manifest from elsewhere",
    },
  },
});
