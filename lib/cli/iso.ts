import { buildCommand, buildRouteMap } from "@stricli/core";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags } from "./flags.ts";
import { addCommand } from "./iso/add.ts";
import { pruneCommand, removeCommand } from "./iso/remove.ts";
import { searchCommand } from "./iso/search.ts";
import { updateCommand } from "./iso/update.ts";

const key = { parse: String, placeholder: "KEY", brief: "Key of an ISO in isos.d" } as const;
const all = {
  kind: "boolean",
  brief: "Every ISO of the catalog",
  default: false,
  withNegated: false,
} as const;

/** The flags of commands that work on some ISOs or all. */
export interface SelectionFlags extends JsonFlags {
  readonly all: boolean;
}

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).list,
  parameters: {
    flags: {
      ...jsonFlag,
      long: { kind: "boolean", brief: "With size, name and URL", default: false, withNegated: false },
    },
    aliases: { l: "long" },
  },
  docs: { brief: "List the ISOs of the catalog and whether they are here" },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [key] } },
  docs: { brief: "Print everything known of an ISO" },
});

const download = buildCommand<SelectionFlags, string[], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).download,
  parameters: { flags: { ...jsonFlag, all }, positional: { kind: "array", parameter: key } },
  docs: { brief: "Download ISOs, or go on with downloads that broke off, and verify them" },
});

const verify = buildCommand<SelectionFlags, string[], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).verify,
  parameters: { flags: { ...jsonFlag, all }, positional: { kind: "array", parameter: key } },
  docs: { brief: "Read ISOs again and compare them with their checksums" },
});

const config = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).config,
  parameters: { flags: jsonFlag },
  docs: { brief: "Print where ISOs are stored and where the catalog is read from" },
});

export const isoRoutes = buildRouteMap({
  routes: {
    ...{ list, show, download, verify, config },
    search: searchCommand,
    add: addCommand,
    update: updateCommand,
    remove: removeCommand,
    prune: pruneCommand,
  },
  docs: { brief: "Find, add, list, download, verify, update and remove installer ISOs" },
});
