import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags } from "../flags.ts";
import { firstThen, live } from "../names.ts";
import { type AgentFlags, agentTimeout } from "./parameters.ts";

/** Flags of `pim ga`. */
export type GaFlags = JsonFlags & AgentFlags;

/** Flags of `pim qmp`. */
export interface QmpFlags extends GaFlags {
  readonly events: boolean;
}

const flags = {
  json: { ...jsonFlag.json, brief: "Print the list of commands as JSON; answers always are" },
  timeout: {
    ...agentTimeout,
    brief: "How long an answer may take (default: 5 until there is one at all, then 30)",
  },
} as const;

const positional = {
  kind: "array",
  minimum: 1,
  parameter: {
    parse: String,
    placeholder: "VM|REQUEST",
    brief: "A running VM, and the command with its arguments",
    proposeCompletions: firstThen(live("running-vms")),
  },
} as const;

const values =
  "A value that is JSON is what it says, any other is a string; dots in a key lead into objects.";

/** `pim qmp` */
export const qmpCommand = buildCommand<QmpFlags, string[], PimContext>({
  loader: async () => (await import("./qmp_impl.ts")).qmp,
  parameters: {
    flags: {
      ...flags,
      events: {
        kind: "boolean",
        default: false,
        withNegated: false,
        brief:
          "Print QEMU's events, one JSON object a line, until Ctrl-C; pim can ask this VM nothing else then",
      },
    },
    positional,
  },
  docs: {
    brief: "Have a VM's QEMU run a command (QMP) and print what it returns",
    customUsage: [
      "VM",
      "VM COMMAND [KEY=VALUE...]",
      `VM '{"execute": "COMMAND", "arguments": {...}}'`,
      "VM --events",
    ],
    fullDescription: `Without a command it lists those that QEMU knows.\n${values}`,
    examples: {
      "pim qmp web": "The commands that there are",
      "pim qmp web query-status": "One without arguments",
      "pim qmp web set_link name=nic0 up=false": "One with arguments",
    },
  },
});

/** `pim ga` */
export const gaCommand = buildCommand<GaFlags, string[], PimContext>({
  loader: async () =>
    (await import("./ahead.ts")).openingAhead(async () => (await import("./ga_impl.ts")).ga),
  parameters: { flags, positional },
  docs: {
    brief: "Have a VM's guest agent run a command and print what it returns",
    customUsage: ["VM", "VM COMMAND [KEY=VALUE...]", `VM '{"execute": "COMMAND", "arguments": {...}}'`],
    fullDescription: `Without a command it lists those that the agent knows.\n${values}`,
    examples: {
      "pim ga web guest-get-fsinfo": "One without arguments",
      "pim ga web guest-file-open path=/etc/hostname": "One with arguments",
    },
  },
});

/** The limits that `--timeout` sets: until there is an answer at all, and for that to a command. */
export function rawLimits(
  { timeout }: AgentFlags,
): { readonly timeoutMs: number; readonly answerMs: number } {
  return { timeoutMs: (timeout ?? 5) * 1000, answerMs: (timeout ?? 30) * 1000 };
}
