import type { Architecture } from "../../architecture.ts";
import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags } from "../flags.ts";

/** Flags of `pim iso search`. */
export interface SearchFlags extends JsonFlags {
  readonly arch?: Architecture;
}

/** `pim iso search` */
export const searchCommand: PimCommand = buildCommand<SearchFlags, string[], PimContext>({
  loader: async () => (await import("./search_impl.ts")).search,
  parameters: {
    flags: { ...jsonFlag, arch: archFlag },
    positional: {
      kind: "array",
      parameter: { parse: String, placeholder: "WORD", brief: "A word of the key or the name" },
    },
  },
  docs: {
    brief: "Find the ISOs that pim knows and `pim iso add` can add",
    examples: {
      "pim iso search ubuntu server": "Both words",
      "pim iso search --arch arm64": "All for arm64",
    },
  },
});
