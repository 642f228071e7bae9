import type { StricliIntegration } from "@stricli/core";
import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import type { Propose } from "../names.ts";

/** `--help` of pim, of each group and of each command; its text is made only when it is asked for. */
export const helpFlag: StricliIntegration<PimContext> = {
  flag: {
    brief: "Print help",
    aliases: ["h"],
    global: true,
    defaultForRouteMap: true,
    async run(_, { result }) {
      const { helpText } = await import("./help_text.ts");
      const { styleOf } = await import("./sections.ts");
      this.process.stdout.write(`${helpText(result.target, result.prefix, styleOf(Deno.stdout))}\n`);
    },
  },
};

/** Proposes commands below those that were named, and topics. */
const helpWords: Propose = async function () {
  const { helpWordsAfter } = await import("./help_impl.ts");
  return helpWordsAfter(this.completing?.before ?? []);
};

/** `pim help` */
export const helpCommand: PimCommand = buildCommand<Record<never, never>, string[]>({
  loader: async () => (await import("./help_impl.ts")).help,
  parameters: {
    positional: {
      kind: "array",
      parameter: {
        parse: String,
        placeholder: "COMMAND|TOPIC",
        brief: "A command, or exit-codes, environment or files",
        proposeCompletions: helpWords,
      },
    },
  },
  docs: {
    brief: "Explain a command, the exit codes, the environment or the files",
    customUsage: ["[COMMAND...]", "exit-codes|environment|files"],
    examples: {
      "pim help build run": "The same as pim build run --help",
      "pim help exit-codes": "What a script can tell from them",
    },
  },
});
