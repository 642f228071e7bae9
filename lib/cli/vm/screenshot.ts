import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";
import { files, runningVm } from "../names.ts";

/** `pim screenshot` */
export const screenshotCommand = buildCommand<JsonFlags, [string, string?], PimContext>({
  loader: async () => (await import("./screenshot_impl.ts")).screenshot,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [runningVm, {
        parse: String,
        placeholder: "FILE.png",
        brief: "Where to, or a folder (default: VM-yyyymmddThhmmssZ.png here)",
        proposeCompletions: files,
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Save a picture of a VM's display as PNG, and print its path",
    fullDescription:
      "Saves a picture of a VM's display as PNG, and prints its path. A FILE that is there is replaced if\n" +
      "it is a PNG or empty. Machines for arm64 have a display when they run with --vnc.",
    examples: {
      "pim screenshot web": "A file in this folder",
      "pim screenshot web web.png": "That file",
    },
  },
});
