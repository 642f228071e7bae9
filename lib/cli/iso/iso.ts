import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off } from "../flags.ts";
import { isoKey } from "../names.ts";
import { addCommand } from "./add.ts";
import { pruneCommand, removeCommand } from "./remove.ts";
import { searchCommand } from "./search.ts";
import { updateCommand } from "./update.ts";

const all = { ...off, brief: "Every ISO of the catalog" } as const;

/** The flags of commands that work on some ISOs or all. */
export interface SelectionFlags extends JsonFlags {
  readonly all: boolean;
}

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).list,
  parameters: {
    flags: {
      ...jsonFlag,
      long: { ...off, brief: "With size, name and URL" },
    },
    aliases: { l: "long" },
  },
  docs: {
    brief: "List the ISOs of the catalog and whether they are here",
    examples: { "pim iso list -l": "With size, name and URL" },
  },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [isoKey] } },
  docs: {
    brief: "Print everything known of an ISO",
    examples: { "pim iso show debian-13-amd64-netinst": "One ISO" },
  },
});

/** The flags of `pim iso download`. */
export interface DownloadFlags extends SelectionFlags {
  readonly jobs: number;
  readonly limitRate?: number;
}

/** The flags of `pim iso verify`. */
export interface VerifyFlags extends SelectionFlags {
  readonly full: boolean;
  readonly jobs?: number;
}

const download = buildCommand<DownloadFlags, string[], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).download,
  parameters: {
    flags: {
      ...jsonFlag,
      all,
      jobs: {
        kind: "parsed",
        parse: parseJobs,
        default: "2",
        brief: "Files at the same time",
        placeholder: "N",
      },
      limitRate: {
        kind: "parsed",
        parse: parseLimit,
        optional: true,
        brief: "Bytes per second for all together, such as 10M; default: iso.rate_limit of pim.yml",
        placeholder: "RATE",
      },
    },
    aliases: { j: "jobs" },
    positional: { kind: "array", parameter: isoKey },
  },
  docs: {
    brief: "Download ISOs, or go on with downloads that broke off, and verify them",
    examples: {
      "pim iso download debian-13-amd64-netinst": "One ISO",
      "pim iso download --all -j 4 --limit-rate 10M": "All of them, four at a time, 10 MB a second",
    },
  },
});

async function parseLimit(text: string): Promise<number> {
  const { parseRate } = await import("../../iso/download/rate_limit.ts");
  return parseRate(text);
}

function parseJobs(text: string): number {
  const jobs = Number(text);
  if (/^\d+$/.test(text) && jobs >= 1 && jobs <= 64) return jobs;
  throw new RangeError(`${text} is no number of files from 1 to 64`);
}

const verify = buildCommand<VerifyFlags, string[], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).verify,
  parameters: {
    flags: {
      ...jsonFlag,
      all,
      full: { ...off, brief: "Read files that have not changed since they were verified, too" },
      jobs: {
        kind: "parsed",
        parse: parseJobs,
        optional: true,
        brief: "Files at the same time; default: as many as there are cores",
        placeholder: "N",
      },
    },
    aliases: { j: "jobs" },
    positional: { kind: "array", parameter: isoKey },
  },
  docs: {
    brief: "Compare ISOs with their checksums",
    examples: {
      "pim iso verify --all": "All that are here",
      "pim iso verify debian-13-amd64-netinst --full": "Read it, although nothing has changed",
    },
  },
});

const config = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./iso_impl.ts")).config,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print where ISOs are stored and where the catalog is read from",
    examples: { "pim iso config": "The folders" },
  },
});

/** `pim iso` */
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
