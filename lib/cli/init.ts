import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { off } from "./flags.ts";
import { folders } from "./names.ts";

/** Flags of `pim init`. */
export interface InitFlags {
  readonly force: boolean;
}

/** `pim init` */
export const initCommand = buildCommand<InitFlags, [string?], PimContext>({
  loader: async () => (await import("./init_impl.ts")).init,
  parameters: {
    flags: {
      force: {
        ...off,
        brief: "Write the types and editor settings anew; your own files are never overwritten",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "DIR",
        brief: "Make a project in this folder; without it the configuration of your user",
        proposeCompletions: folders,
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Write a first configuration: settings, ISO catalog, a profile, templates and scripts",
    examples: {
      "pim init": "For your user",
      "pim init images": "A project in the folder images",
    },
  },
});
