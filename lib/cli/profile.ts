import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags, off } from "./flags.ts";
import { files, isoKey, profileName } from "./names.ts";

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).list,
  parameters: {
    flags: {
      ...jsonFlag,
      long: { kind: "boolean", brief: "With the main values of each", default: false, withNegated: false },
    },
    aliases: { l: "long" },
  },
  docs: {
    brief: "List the profiles",
    examples: { "pim profile list -l": "With the main values of each" },
  },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [profileName] } },
  docs: {
    brief: "Print a profile merged with what it extends, and which file each value came from",
    examples: { "pim profile show web": "Every value with its source" },
  },
});

const check = buildCommand<JsonFlags, string[], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).check,
  parameters: { flags: jsonFlag, positional: { kind: "array", parameter: profileName } },
  docs: {
    brief: "Check profiles, all of them unless some are named",
    examples: {
      "pim profile check": "All profiles",
      "pim profile check web db": "Two of them",
    },
  },
});

/** Flags of `pim profile new`. */
export interface NewProfileFlags {
  readonly extends?: string;
  readonly iso?: string;
}

const create = buildCommand<NewProfileFlags, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).create,
  parameters: {
    flags: {
      extends: { ...profileName, kind: "parsed", optional: true, brief: "The profile it builds upon" },
      iso: {
        ...isoKey,
        kind: "parsed",
        optional: true,
        brief:
          "The ISO it is installed from, a key or a pattern (default: Debian's netinst, where it extends none)",
      },
    },
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, placeholder: "PROFILE", brief: "Name of the new profile" }],
    },
  },
  docs: {
    brief: "Write a new profile module",
    examples: {
      "pim profile new web": "A profile of its own",
      "pim profile new ci --iso ubuntu-24.04-{arch}-live-server": "One of another ISO of the catalog",
      "pim profile new db --extends server": "One that builds upon another",
    },
  },
});

const importYaml = buildCommand<{ readonly force: boolean }, [string], PimContext>({
  loader: async () => (await import("./profile_impl.ts")).importYaml,
  parameters: {
    flags: {
      force: { ...off, brief: "Overwrite modules that are there" },
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "FILE.yml",
        brief: "A profiles.d file of the earlier pim",
        proposeCompletions: files,
      }],
    },
  },
  docs: {
    brief: "Turn YAML profiles of the earlier pim into modules",
    examples: { "pim profile import profiles.d/web.yml": "Every profile in that file" },
  },
});

/** `pim profile` */
export const profileRoutes = buildRouteMap({
  routes: { list, show, check, new: create, import: importYaml },
  docs: { brief: "List, show, check and make profiles" },
});
