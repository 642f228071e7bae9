import { buildCommand } from "@stricli/core";
import type { PimContext } from "./context.ts";

/** Flags of `pim init`. */
export interface InitFlags {
  readonly force: boolean;
}

export const initCommand = buildCommand<InitFlags, [string?], PimContext>({
  loader: async () => (await import("./init_impl.ts")).init,
  parameters: {
    flags: {
      force: {
        kind: "boolean",
        brief: "Write the types and editor settings anew; your own files are never overwritten",
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "DIR",
        brief: "Make a project in this folder; without it the configuration of your user",
        optional: true,
      }],
    },
  },
  docs: { brief: "Write a first configuration: settings, ISO catalog, a profile, templates and scripts" },
});
