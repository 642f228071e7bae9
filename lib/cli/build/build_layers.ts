import { buildCommand, type Command } from "@stricli/core";
import type { Architecture } from "../../architecture.ts";
import { parseAgeMs } from "../age.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";

/** Flags of `pim build plan`. */
export interface PlanFlags extends JsonFlags {
  readonly arch?: Architecture;
  readonly iso?: string;
  readonly from?: string;
  readonly cache: boolean;
  readonly long: boolean;
}

/** `pim build plan` */
export const plan: Command<PimContext> = buildCommand<PlanFlags, [string], PimContext>({
  loader: async () => (await import("./build_layers_impl.ts")).plan,
  parameters: {
    flags: {
      ...jsonFlag,
      arch: archFlag,
      iso: { kind: "parsed", parse: String, optional: true, brief: "As in run", placeholder: "KEY" },
      from: { kind: "parsed", parse: String, optional: true, brief: "As in run", placeholder: "STEP" },
      cache: { kind: "boolean", default: true, brief: "As in run" },
      long: { ...off, brief: "With the whole keys" },
    },
    aliases: { l: "long" },
    positional: {
      kind: "tuple",
      parameters: [{ parse: String, placeholder: "PROFILE", brief: "Name of a profile in profiles.d" }],
    },
  },
  docs: {
    brief: "Print what a build would do, what it would reuse, and what has changed",
    fullDescription:
      "Tells for each step whether a build would run it or go on from what an earlier build has kept, and names the\n" +
      "inputs that have changed: the ISO, an answer file, a script, a variable.",
  },
});

/** `pim build layers` */
export const layers: Command<PimContext> = buildCommand<JsonFlags, [string?], PimContext>({
  loader: async () => (await import("./build_layers_impl.ts")).layers,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "PROFILE",
        brief: "Only those of this profile",
        optional: true,
      }],
    },
  },
  docs: { brief: "List the layers that builds have kept" },
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
export const prune: Command<PimContext> = buildCommand<PruneFlags, [], PimContext>({
  loader: async () => (await import("./build_layers_impl.ts")).prune,
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
  },
});
