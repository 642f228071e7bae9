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

/** A number of seconds: none at all, milliseconds, or some days. */
export function parseSeconds(text: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new RangeError(`${text} is no number of seconds`);
}
