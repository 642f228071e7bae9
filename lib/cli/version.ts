import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags } from "./flags.ts";

/** `pim version` */
export const versionCommand = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./version_impl.ts")).printVersion,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print the version, the commit it was built from, and Deno's version",
    fullDescription:
      "A binary tells what it was built from; in a checkout git is asked, where it is there. The date is that of the\n" +
      "commit, in UTC. `pim --version` prints the version alone.",
    examples: { "pim version --json": "For a bug report" },
  },
});
