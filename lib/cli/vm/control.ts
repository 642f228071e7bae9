import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { off } from "../flags.ts";
import { anyVm, runningVm } from "../names.ts";
import { parseSeconds } from "../flags.ts";

/** Flags of what stops a VM. */
export interface StopFlags {
  /** Seconds. */
  readonly timeout: number;
  readonly force: boolean;
}

const stopFlags = {
  timeout: {
    kind: "parsed",
    parse: parseSeconds,
    default: "90",
    placeholder: "SECONDS",
    brief: "How long the guest may take to power off",
  },
  force: { ...off, brief: "End it at once, as pulling the plug does" },
} as const;

/** `pim stop` */
export const stopCommand = buildCommand<StopFlags & { readonly all: boolean }, string[], PimContext>({
  loader: async () => (await import("./control_impl.ts")).stop,
  parameters: {
    flags: { ...stopFlags, all: { ...off, brief: "All VMs that run" } },
    positional: { kind: "array", parameter: { ...anyVm, proposeCompletions: runningVm.proposeCompletions } },
  },
  docs: {
    brief: "Stop VMs: power off their guests, or end QEMU where a guest does not",
    fullDescription:
      "Asks the guest to power off, through its agent or the power button. When it has not after --timeout,\n" +
      "QEMU is told to quit, and killed if it does not. What is on a kept VM's disk stays.",
    examples: {
      "pim stop web db": "Two VMs",
      "pim stop --all --timeout 30": "All, after half a minute at the latest",
    },
  },
});

/** `pim restart` */
export const restartCommand = buildCommand<StopFlags, [string], PimContext>({
  loader: async () => (await import("./control_impl.ts")).restart,
  parameters: { flags: stopFlags, positional: { kind: "tuple", parameters: [anyVm] } },
  docs: {
    brief: "Stop a VM and start it again; one that is stopped is started",
    examples: { "pim restart web": "With what is on its disk" },
  },
});

/** `pim rm` */
export const rmCommand = buildCommand<{ readonly force: boolean }, [string, ...string[]], PimContext>({
  loader: async () => (await import("./control_impl.ts")).rm,
  parameters: {
    flags: { force: { ...off, brief: "Running ones too: end them at once" } },
    positional: { kind: "array", parameter: { ...anyVm, brief: "Name of a VM, in full" }, minimum: 1 },
  },
  docs: {
    brief: "Remove VMs with their disks",
    examples: { "pim rm web --force": "Even while it runs" },
  },
});
