import type { Architecture } from "../../architecture.ts";
import { parseAgeMs } from "../age.ts";
import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { live, profileName } from "../names.ts";

/** Flags of `pim build plan`. */
export interface PlanFlags extends JsonFlags {
  readonly arch?: Architecture;
  readonly iso?: string;
  readonly from?: string;
  readonly cache: boolean;
  readonly long: boolean;
}

const asInRun = { kind: "parsed", parse: String, optional: true, brief: "As in run" } as const;

/** `pim build plan` */
export const plan: PimCommand = buildCommand<PlanFlags, [string], PimContext>({
  loader: async () => (await import("./layers_impl.ts")).plan,
  parameters: {
    flags: {
      ...jsonFlag,
      arch: archFlag,
      iso: { ...asInRun, placeholder: "KEY", proposeCompletions: live("isos") },
      from: { ...asInRun, placeholder: "STEP", proposeCompletions: live("steps") },
      cache: { kind: "boolean", default: true, brief: "As in run" },
      long: { ...off, brief: "With the whole keys" },
    },
    aliases: { l: "long" },
    positional: {
      kind: "tuple",
      parameters: [profileName],
    },
  },
  docs: {
    brief: "Print what a build would do, what it would reuse, and what has changed",
    fullDescription:
      "Tells for each step whether a build would run it or go on from what an earlier build has kept, and names the\n" +
      "inputs that have changed: the ISO, an answer file, a script, a variable.",
    examples: {
      "pim build plan web": "What a build would do now",
      "pim build plan web --from finalize": "And with that step run anew",
    },
  },
});

/** `pim build layers` */
export const layers: PimCommand = buildCommand<JsonFlags, [string?], PimContext>({
  loader: async () => (await import("./layers_impl.ts")).layers,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{ ...profileName, brief: "Only those of this profile", optional: true }],
    },
  },
  docs: {
    brief: "List the layers that builds have kept",
    examples: { "pim build layers web": "The layers of the profile web" },
  },
});

/** Flags of `pim build prune`. */
export interface PruneFlags extends JsonFlags {
  readonly olderThan?: number;
  readonly maxSize?: number;
  readonly dryRun: boolean;
}

async function parseSizeBytes(text: string): Promise<number> {
  const { parseDiskSize } = await import("../../qemu/disk_size.ts");
  return text === "0" ? 0 : parseDiskSize(text);
}

/** `pim build prune` */
export const prune: PimCommand = buildCommand<PruneFlags, [], PimContext>({
  loader: async () => (await import("./layers_impl.ts")).prune,
  parameters: {
    flags: {
      ...jsonFlag,
      olderThan: {
        kind: "parsed",
        parse: parseAgeMs,
        optional: true,
        brief: "Remove what was not used for so long: 12h, 7d, 2w",
        placeholder: "AGE",
      },
      maxSize: {
        kind: "parsed",
        parse: parseSizeBytes,
        optional: true,
        brief: "Remove what was not used for longest, until the rest fits: 20G; 0 removes all",
        placeholder: "SIZE",
      },
      dryRun: { ...off, brief: "Print what would be removed" },
    },
  },
  docs: {
    brief: "Remove layers that are not needed any more",
    fullDescription:
      "Removes the layers that no build can use: damaged ones, and those of which there is a newer one. With\n" +
      "--older-than and --max-size others go too. What a build, an image or a VM depends on always stays.",
    examples: {
      "pim build prune --older-than 7d": "What no build has used for a week",
      "pim build prune --max-size 10G --dry-run": "Only say what would go to come down to 10 GiB",
    },
  },
});
