import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off } from "../flags.ts";
import { runningVm } from "../names.ts";
import { type AgentFlags, agentTimeout } from "./parameters.ts";

/** Flags of `pim ip`. */
export interface IpFlags extends JsonFlags, AgentFlags {
  readonly wait: boolean;
  readonly first: boolean;
}

/** `pim ip` */
export const ipCommand = buildCommand<IpFlags, [string], PimContext>({
  loader: async () =>
    (await import("./ahead.ts")).openingAhead(async () => (await import("./guest_impl.ts")).ip),
  parameters: {
    flags: {
      ...jsonFlag,
      first: { ...off, brief: "Only the first address that others can reach, IPv4 before IPv6" },
      wait: { ...off, brief: "Wait until there is such an address" },
      timeout: { ...agentTimeout, brief: "How long to wait (default: 5, with --wait 300)" },
    },
    positional: { kind: "tuple", parameters: [runningVm] },
  },
  docs: {
    brief: "Print the addresses of a VM, as its guest agent tells",
    examples: {
      "pim ip web": "All its addresses",
      "pim ip web --wait --first": "For scripts",
    },
  },
});

/** `pim os` */
export const osCommand = buildCommand<JsonFlags & AgentFlags, [string], PimContext>({
  loader: async () =>
    (await import("./ahead.ts")).openingAhead(async () => (await import("./guest_impl.ts")).os),
  parameters: {
    flags: { ...jsonFlag, timeout: agentTimeout },
    positional: { kind: "tuple", parameters: [runningVm] },
  },
  docs: {
    brief: "Print a VM's system, kernel and host name, as its guest agent tells",
    examples: { "pim os web": "What runs in it" },
  },
});
