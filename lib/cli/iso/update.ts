import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off } from "../flags.ts";
import { isoKey } from "../names.ts";

/** Flags of `pim iso update`. */
export interface UpdateFlags extends JsonFlags {
  readonly all: boolean;
  readonly yes: boolean;
}

/** `pim iso update` */
export const updateCommand: PimCommand = buildCommand<UpdateFlags, string[], PimContext>({
  loader: async () => (await import("./update_impl.ts")).update,
  parameters: {
    flags: {
      ...jsonFlag,
      all: { ...off, brief: "Every ISO of the catalog that says where newer releases are" },
      yes: { ...off, brief: "Write what is found without asking" },
    },
    aliases: { y: "yes" },
    positional: {
      kind: "array",
      parameter: isoKey,
    },
  },
  docs: {
    brief: "Look for newer releases of ISOs, and write them into isos.d",
    fullDescription:
      "Reads the folder that an ISO's `release` names, and shows what the newest release there changes in the entry.\n" +
      "Nothing is written before the new ISO's checksum is there, and signed where the entry asks for that; in the\n" +
      "file only the changed texts change. Without --yes it asks on a terminal, and elsewhere writes nothing.",
    examples: {
      "pim iso update --all": "Show what is new, and ask",
      "pim iso update debian-13-amd64-netinst --yes": "Write it at once",
    },
  },
});
