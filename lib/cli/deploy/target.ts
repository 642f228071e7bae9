import { buildCommand, buildRouteMap } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";

const target = { parse: String, placeholder: "TARGET", brief: "Name of a target in targets.d" } as const;

const list = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./target_impl.ts")).list,
  parameters: { flags: jsonFlag },
  docs: { brief: "List the targets of targets.d" },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./target_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [target] } },
  docs: { brief: "Print the settings of a target" },
});

const check = buildCommand<JsonFlags, string[], PimContext>({
  loader: async () => (await import("./target_impl.ts")).check,
  parameters: { flags: jsonFlag, positional: { kind: "array", parameter: target } },
  docs: { brief: "Look whether targets can be reached and used: those named, or all" },
});

/** `pim target` */
export const targetRoutes = buildRouteMap<string, PimContext>({
  routes: { list, show, check },
  docs: { brief: "The places that images are deployed to" },
});
