import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { jsonFlag, type JsonFlags, off } from "../flags.ts";
import { live } from "../names.ts";

/** Flags of `pim build debug`. */
export interface DebugFlags extends JsonFlags {
  readonly console: boolean;
}

/** `pim build debug` */
export const debug: PimCommand = buildCommand<DebugFlags, [string?], PimContext>({
  loader: async () => (await import("./debug_impl.ts")).debug,
  parameters: {
    flags: { ...jsonFlag, console: { ...off, brief: "Show the serial console here; Ctrl-] leaves it" } },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "BUILD|PROFILE",
        brief: "Which failed build (default: the latest whose disk was kept)",
        proposeCompletions: live("profiles", "builds"),
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Run the disk that a failed build has kept as a VM",
    fullDescription:
      "Starts a VM from the disk of a failed build (pim build run --on-error keep), as it was when the build failed.\n" +
      "What the VM changes is gone when it is stopped, and the disk stays until `pim build clean`. The build's own key\n" +
      "lets you in over SSH, as far as the build came to putting it into the guest.",
    examples: { "pim build debug web": "Start the kept disk of the failed build of web" },
  },
});
