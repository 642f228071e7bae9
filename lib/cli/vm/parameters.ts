import { parseSeconds } from "../flags.ts";

/** The flag of commands that talk to a guest agent or to QEMU. */
export interface AgentFlags {
  /** Seconds. */
  readonly timeout?: number;
}

/** The definition of {@linkcode AgentFlags}. */
export const agentTimeout = {
  kind: "parsed",
  parse: parseSeconds,
  optional: true,
  placeholder: "SECONDS",
  brief: "How long the guest agent may take to answer (default: 5)",
} as const;
