import type { Architecture } from "../../architecture.ts";
import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off, parseCount } from "../flags.ts";
import { live, profileName } from "../names.ts";

/** Flags of `pim build run`. */
export interface RunFlags extends JsonFlags {
  readonly arch?: Architecture;
  readonly iso?: string;
  readonly force: boolean;
  readonly from?: string;
  readonly cache: boolean;
  readonly verify?: boolean;
  readonly wait: boolean;
  readonly jobs: number;
  readonly dryRun: boolean;
  readonly onError?: "cleanup" | "keep" | "ask";
  readonly console: boolean;
}

/** `pim build run` */
export const run: PimCommand = buildCommand<RunFlags, string[], PimContext>({
  loader: async () => (await import("./run_impl.ts")).run,
  parameters: {
    flags: {
      arch: archFlag,
      iso: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "ISO to install from, in place of the profile's",
        placeholder: "KEY",
        proposeCompletions: live("isos"),
      },
      force: {
        ...off,
        brief: "Build although nothing has changed, or there seems to be too little room on disk",
      },
      from: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: 'Run this step and all after it anew: install, "script base"',
        placeholder: "STEP",
        proposeCompletions: live("steps"),
      },
      cache: { kind: "boolean", default: true, brief: "Go on from what earlier builds have kept" },
      verify: {
        kind: "boolean",
        optional: true,
        brief: "Boot and check the image before it is registered (default: build.verify)",
      },
      wait: { kind: "boolean", default: true, brief: "Wait while another build of the profile runs" },
      jobs: {
        kind: "parsed",
        parse: parseJobs,
        default: "1",
        brief: "How many profiles are built at a time",
        placeholder: "N",
      },
      dryRun: { ...off, brief: "Print what would be done, and do nothing" },
      onError: {
        kind: "enum",
        values: ["cleanup", "keep", "ask"],
        optional: true,
        brief: "What happens to the disk of a failed build (default: build.on_error)",
      },
      json: { ...jsonFlag.json, brief: "Print the build's events as NDJSON" },
      console: { ...off, brief: "Show the lines of the machine's serial console" },
    },
    positional: { kind: "array", parameter: profileName, minimum: 1 },
  },
  docs: {
    brief: "Build images: install from the ISO, provision, register",
    fullDescription:
      "Builds an image of each profile, and prints the paths of the images. What earlier builds have kept is used as\n" +
      "far as nothing has changed; with --no-cache, or --from STEP, more is done anew. When a build fails the others\n" +
      "go on, and the exit code is that of the first one that failed.",
    examples: {
      "pim build run web": "Build the image of the profile web",
      "pim build run web db ci --jobs 2": "Three profiles, two at a time",
      'pim build run web --from "script base" --on-error keep':
        "Run the scripts anew; keep the disk if that fails",
    },
  },
});

function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs === 0) throw new RangeError("at least one build has to run at a time");
  return jobs;
}
