import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";
import { anyVm } from "../names.ts";

/** Flags of `pim ps`. */
export interface PsFlags extends JsonFlags {
  readonly all: boolean;
}

/** `pim ps` */
export const psCommand = buildCommand<PsFlags, [], PimContext>({
  loader: async () => (await import("./list_impl.ts")).ps,
  parameters: {
    flags: {
      ...jsonFlag,
      all: { kind: "boolean", default: false, withNegated: false, brief: "Those that are stopped, too" },
    },
    aliases: { a: "all" },
  },
  docs: {
    brief: "List the VMs that run",
    examples: {
      "pim ps": "Those that run",
      "pim ps -a --json": "All, for scripts",
    },
  },
});

/** `pim status` */
export const statusCommand = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./list_impl.ts")).status,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [anyVm],
    },
  },
  docs: {
    brief: "Print what a VM is, what it does and what is wrong with it",
    examples: { "pim status web": "One VM" },
  },
});
