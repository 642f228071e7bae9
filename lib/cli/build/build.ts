import { buildRouteMap } from "@stricli/core";
import type { Architecture } from "../../architecture.ts";
import { diff } from "./build_diff.ts";
import { layers, plan, prune } from "./build_layers.ts";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { live, profileName, profileOrImage } from "../names.ts";

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

const run = buildCommand<RunFlags, string[], PimContext>({
  loader: async () => (await import("./build_impl.ts")).run,
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

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).list,
  parameters: {
    flags: { ...jsonFlag, long: { ...off, brief: "With size, ISO and file" } },
    aliases: { l: "long" },
  },
  docs: {
    brief: "List the images that were built",
    examples: { "pim build list -l": "With size, ISO and file" },
  },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).show,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [profileOrImage],
    },
  },
  docs: {
    brief: "Print what is known of an image",
    examples: {
      "pim build show web": "The newest image of the profile web",
      "pim build show web-amd64-20260101T120000Z --json": "A certain image, for scripts",
    },
  },
});

const status = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).status,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print the builds that run, and what failed ones left",
    examples: { "pim build status": "What runs, and what failed builds left" },
  },
});

/** Flags of `pim build log`. */
export interface BuildLogFlags extends JsonFlags {
  readonly follow: boolean;
  readonly lines?: number;
  readonly console: boolean;
}

const log = buildCommand<BuildLogFlags, [string?], PimContext>({
  loader: async () => (await import("./build_log_impl.ts")).log,
  parameters: {
    flags: {
      json: { ...off, brief: "Print the build's events as NDJSON" },
      follow: { ...off, brief: "Go on with what comes until the build ends" },
      lines: {
        kind: "parsed",
        parse: parseCount,
        optional: true,
        placeholder: "N",
        brief: "Only the last N lines (default: all)",
      },
      console: { ...off, brief: "What its machine wrote to the serial console" },
    },
    aliases: { f: "follow", n: "lines" },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "BUILD|PROFILE",
        brief: "Which build (default: the one that runs, else the latest)",
        proposeCompletions: live("profiles", "builds", "images"),
        optional: true,
      }],
    },
  },
  docs: {
    brief: "Print the log of a build: one that runs, that failed, or that made an image",
    fullDescription:
      "Prints the log of a build that runs elsewhere, of one that failed, or of the one that made an image. Of a\n" +
      "profile's builds that is the one that runs, else the latest of which something is left.",
    examples: {
      "pim build log -f": "Follow the build that runs",
      "pim build log web --console": "What the machine said of the latest build of web",
    },
  },
});

/** Flags of `pim build debug`. */
export interface DebugFlags extends JsonFlags {
  readonly console: boolean;
}

const debug = buildCommand<DebugFlags, [string?], PimContext>({
  loader: async () => (await import("./build_debug_impl.ts")).debug,
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

/** Flags of `pim build clean`. */
export interface CleanFlags extends JsonFlags {
  readonly keep?: number;
  readonly dryRun: boolean;
}

function parseJobs(text: string): number {
  const jobs = parseCount(text);
  if (jobs === 0) throw new RangeError("at least one build has to run at a time");
  return jobs;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new RangeError(`${text} is not a whole number`);
  return Number(text);
}

const clean = buildCommand<CleanFlags, [string?], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).clean,
  parameters: {
    flags: {
      ...jsonFlag,
      keep: {
        kind: "parsed",
        parse: parseCount,
        optional: true,
        brief: "Remove images too, except the newest N of each profile and architecture",
        placeholder: "N",
      },
      dryRun: { ...off, brief: "Print what would be removed" },
    },
    positional: {
      kind: "tuple",
      parameters: [{ ...profileName, optional: true, brief: "Only what belongs to this profile" }],
    },
  },
  docs: {
    brief: "Remove what failed builds left, and old images on request",
    examples: {
      "pim build clean --dry-run": "Only say what would go",
      "pim build clean --keep 3": "Remove all but the newest three images of each profile",
    },
  },
});

export const buildRoutes = buildRouteMap({
  routes: { run, plan, list, show, diff, status, log, debug, clean, layers, prune },
  docs: { brief: "Build images and look after them" },
});
