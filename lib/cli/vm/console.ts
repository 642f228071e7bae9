import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { off } from "../flags.ts";
import { anyVm, runningVm } from "../names.ts";

/** Flags of `pim log`. */
export interface LogFlags {
  readonly follow: boolean;
  readonly lines?: number;
  readonly raw: boolean;
  readonly qemu: boolean;
  readonly previous: boolean;
}

/** `pim console` */
export const consoleCommand = buildCommand<Record<never, never>, [string], PimContext>({
  loader: async () => (await import("./console_impl.ts")).attach,
  parameters: { positional: { kind: "tuple", parameters: [runningVm] } },
  docs: {
    brief: "Show the serial console of a VM and type on it; Ctrl-] leaves",
    fullDescription:
      "Begins with the last screenful. Every key goes to the guest, Ctrl-C too; Ctrl-] leaves, and the VM runs on. One\n" +
      "terminal has the console at a time: the next one waits until it leaves.\n\n" +
      "An input that is no terminal is typed to its end, Ctrl-] being a key as any other; the output goes on until the\n" +
      "VM ends or pim is told to end.",
    examples: { "pim console web": "Until Ctrl-]" },
  },
});

/** `pim log` */
export const logCommand = buildCommand<LogFlags, [string], PimContext>({
  loader: async () => (await import("./console_impl.ts")).log,
  parameters: {
    flags: {
      follow: { ...off, brief: "Go on with what comes until the VM ends" },
      lines: {
        kind: "parsed",
        parse: parseLines,
        optional: true,
        placeholder: "N",
        brief: "Only the last N lines (default: all)",
      },
      raw: { ...off, brief: "As it is, with escape sequences; else as readable lines" },
      qemu: { ...off, brief: "What QEMU said, in place of the console" },
      previous: { ...off, brief: "Of the start before; with --qemu, when it last ended unexpectedly" },
    },
    aliases: { f: "follow", n: "lines" },
    positional: {
      kind: "tuple",
      parameters: [{ ...anyVm, brief: "Name of a VM, or how it begins; it need not run" }],
    },
  },
  docs: {
    brief: "Print what a VM wrote to its serial console since its start",
    examples: {
      "pim log web -f": "Go on with what comes",
      "pim log web --qemu --previous": "Why it ended last time",
    },
  },
});

function parseLines(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new RangeError(`${text} is no number of lines`);
}
