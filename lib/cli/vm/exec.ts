import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { firstThen, live } from "../names.ts";
import { type AgentFlags, agentTimeout } from "./parameters.ts";

/** Flags of `pim exec`. */
export interface ExecFlags extends AgentFlags {
  readonly env?: readonly string[];
  readonly stdin: boolean;
}

/** `pim exec` */
export const execCommand = buildCommand<ExecFlags, string[], PimContext>({
  loader: async () => (await import("./exec_impl.ts")).exec,
  parameters: {
    flags: {
      timeout: {
        ...agentTimeout,
        brief: "How long CMD may take before it is ended (default: no limit; the agent has 5 to answer)",
      },
      env: {
        kind: "parsed",
        parse: parseVariable,
        optional: true,
        variadic: true,
        placeholder: "NAME=VALUE",
        brief: "A variable for CMD, beside those that the agent has",
      },
      stdin: {
        kind: "boolean",
        default: true,
        brief: "Hand on standard input, to its end, unless it is a terminal",
      },
    },
    positional: {
      kind: "array",
      minimum: 1,
      parameter: {
        parse: String,
        placeholder: "VM|CMD",
        brief: "A running VM, and what to run there",
        proposeCompletions: firstThen(live("running-vms")),
      },
    },
  },
  docs: {
    brief: "Run a command in a VM through its guest agent, without any network",
    customUsage: ["[--timeout SECONDS] [--env NAME=VALUE]... [--no-stdin] VM -- CMD [ARG...]"],
    fullDescription:
      "CMD runs as root, and without a shell. Its output arrives when it has ended, 16 MiB of it at most.\n\n" +
      "Its exit code is that of pim: 128 and the number of the signal that ended it, 127 when the guest has no such\n" +
      "program, 126 when it is not one. Ctrl-C ends it in the guest.",
    examples: {
      "pim exec web -- systemctl is-system-running": "A command as root",
      "pim exec web -- sh -c 'ls *.log | wc -l'": "A line for a shell",
      "pim exec web --env LANG=C -- runuser -u dev -- locale": "As another user",
    },
  },
});

function parseVariable(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(text)) return text;
  throw new RangeError(`${text} is no variable: NAME=VALUE`);
}
