import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags } from "./flags.ts";
import { live } from "./names.ts";

const show = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./config_impl.ts")).show,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print the effective settings and where each came from",
    examples: { "pim config show": "All settings" },
  },
});

const get = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./config_impl.ts")).get,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "KEY",
        brief: "Dotted key, such as build.disk_size",
        proposeCompletions: live("settings"),
      }],
    },
  },
  docs: {
    brief: "Print one setting",
    examples: { "pim config get build.disk_size": "One setting, for scripts" },
  },
});

const path = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./config_impl.ts")).path,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print the folders that pim uses",
    examples: { "pim config path": "All folders" },
  },
});

/** `pim config` */
export const configRoutes = buildRouteMap({
  routes: { show, get, path },
  docs: { brief: "Show the configuration" },
});
