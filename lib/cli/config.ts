import { buildCommand, buildRouteMap } from "@stricli/core";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags } from "./flags.ts";

const show = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./config_impl.ts")).show,
  parameters: { flags: jsonFlag },
  docs: { brief: "Print the effective settings and where each came from" },
});

const get = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./config_impl.ts")).get,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, placeholder: "KEY", brief: "Dotted key, such as build.disk_size" }],
    },
  },
  docs: { brief: "Print one setting" },
});

const path = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./config_impl.ts")).path,
  parameters: { flags: jsonFlag },
  docs: { brief: "Print the folders that pim uses" },
});

export const configRoutes = buildRouteMap({
  routes: { show, get, path },
  docs: { brief: "Show the configuration" },
});
