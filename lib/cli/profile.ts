import { buildCommand, buildRouteMap } from "@stricli/core";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags } from "./flags.ts";

const name = { parse: String, placeholder: "PROFILE", brief: "Name of a profile in profiles.d" } as const;

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).list,
  parameters: {
    flags: {
      ...jsonFlag,
      long: { kind: "boolean", brief: "With the main values of each", default: false, withNegated: false },
    },
    aliases: { l: "long" },
  },
  docs: { brief: "List the profiles" },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [name] } },
  docs: { brief: "Print a profile merged with what it extends, and which file each value came from" },
});

const check = buildCommand<JsonFlags, string[], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).check,
  parameters: { flags: jsonFlag, positional: { kind: "array", parameter: name } },
  docs: { brief: "Check profiles, all of them unless some are named" },
});

const create = buildCommand<{ readonly extends?: string }, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).create,
  parameters: {
    flags: {
      extends: { kind: "parsed", parse: String, optional: true, brief: "The profile it builds upon" },
    },
    positional: { kind: "tuple", parameters: [{ ...name, brief: "Name of the new profile" }] },
  },
  docs: { brief: "Write a new profile module" },
});

const importYaml = buildCommand<{ readonly force: boolean }, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).importYaml,
  parameters: {
    flags: {
      force: {
        kind: "boolean",
        brief: "Overwrite modules that are there",
        default: false,
        withNegated: false,
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, placeholder: "FILE.yml", brief: "A profiles.d file of the earlier pim" }],
    },
  },
  docs: { brief: "Turn YAML profiles of the earlier pim into modules" },
});

export const profileRoutes = buildRouteMap({
  routes: { list, show, check, new: create, import: importYaml },
  docs: { brief: "List, show, check and make profiles" },
});
