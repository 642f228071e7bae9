import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";
import { targetName } from "../names.ts";

const list = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./target_impl.ts")).list,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "List the targets of targets.d",
    examples: { "pim target list": "The targets, or the types there are" },
  },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./target_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [targetName] } },
  docs: {
    brief: "Print the settings of a target",
    examples: { "pim target show lab": "The settings of one target" },
  },
});

const check = buildCommand<JsonFlags, string[], PimContext>({
  loader: async () => (await import("./target_impl.ts")).check,
  parameters: { flags: jsonFlag, positional: { kind: "array", parameter: targetName } },
  docs: {
    brief: "Look whether targets can be reached and used: those named, or all",
    examples: {
      "pim target check lab": "One target",
      "pim target check": "All of them",
    },
  },
});

/** `pim target` */
export const targetRoutes = buildRouteMap<string, PimContext>({
  routes: { list, show, check },
  docs: { brief: "The places that images are deployed to" },
});
