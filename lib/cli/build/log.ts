import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { type JsonFlags, off, parseCount } from "../flags.ts";
import { live } from "../names.ts";

/** Flags of `pim build log`. */
export interface BuildLogFlags extends JsonFlags {
  readonly follow: boolean;
  readonly lines?: number;
  readonly console: boolean;
}

/** `pim build log` */
export const log: PimCommand = buildCommand<BuildLogFlags, [string?], PimContext>({
  loader: async () => (await import("./log_impl.ts")).log,
  parameters: {
    flags: {
      json: { ...off, brief: "Print the build's events as NDJSON" },
      follow: { ...off, brief: "Go on with what comes until the build ends" },
      lines: {
        kind: "parsed",
        parse: parseCount,
        optional: true,
        placeholder: "N",
        brief: "Only the last N lines (default: all)",
      },
      console: { ...off, brief: "What its machine wrote to the serial console" },
    },
    aliases: { f: "follow", n: "lines" },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "BUILD|PROFILE",
        brief: "Which build (default: the one that runs, else the latest)",
        proposeCompletions: live("profiles", "builds", "images"),
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Print the log of a build: one that runs, that failed, or that made an image",
    fullDescription:
      "Prints the log of a build that runs elsewhere, of one that failed, or of the one that made an image. Of a\n" +
      "profile's builds that is the one that runs, else the latest of which something is left.",
    examples: {
      "pim build log -f": "Follow the build that runs",
      "pim build log web --console": "What the machine said of the latest build of web",
    },
  },
});
