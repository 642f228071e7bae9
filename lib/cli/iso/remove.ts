import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off } from "../flags.ts";
import { isoKey } from "../names.ts";
import { parseAgeMs } from "../age.ts";

/** Flags of `pim iso remove`. */
export interface RemoveFlags {
  readonly keepFile: boolean;
  readonly yes: boolean;
}

/** `pim iso remove` */
export const removeCommand: PimCommand = buildCommand<RemoveFlags, string[], PimContext>({
  loader: async () => (await import("./remove_impl.ts")).remove,
  parameters: {
    flags: {
      keepFile: { ...off, brief: "Leave the downloaded file" },
      yes: { ...off, brief: "Do not ask" },
    },
    aliases: { y: "yes" },
    positional: {
      kind: "array",
      minimum: 1,
      parameter: isoKey,
    },
  },
  docs: {
    brief: "Take ISOs out of the catalog, with their downloaded files",
    fullDescription:
      "Takes the entry out of its file in isos.d and leaves the rest of the file as it is; an empty file goes. The\n" +
      "downloaded ISO goes too, unless another entry names it. A file that is used in place is never removed.",
    examples: {
      "pim iso remove debian-12-amd64-netinst": "The entry and its file",
      "pim iso remove debian-12-amd64-netinst --keep-file": "Only the entry",
    },
  },
});

/** Flags of `pim iso prune`. */
export interface PruneFlags extends JsonFlags {
  readonly olderThan?: number;
  readonly dryRun: boolean;
}

/** `pim iso prune` */
export const pruneCommand: PimCommand = buildCommand<PruneFlags, [], PimContext>({
  loader: async () => (await import("./prune_impl.ts")).prune,
  parameters: {
    flags: {
      ...jsonFlag,
      olderThan: {
        kind: "parsed",
        parse: parseAgeMs,
        optional: true,
        brief: "Remove only what was not changed for so long: 12h, 30d, 2w",
        placeholder: "AGE",
      },
      dryRun: { ...off, brief: "Print what would be removed" },
    },
  },
  docs: {
    brief: "Remove downloaded ISOs that no entry of the catalog names",
    fullDescription:
      "Looks through the ISO folder for what pim has downloaded and no entry of the user's or this project's catalog\n" +
      "names any more. Catalogs of other projects are not looked at: what they name is downloaded again when it is\n" +
      "used. Other files in that folder stay, and so does what is being downloaded.",
    examples: {
      "pim iso prune --older-than 30d": "What has been here for a month",
      "pim iso prune --dry-run": "Only say what would go",
    },
  },
});
