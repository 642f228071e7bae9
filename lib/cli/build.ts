import { buildCommand, buildRouteMap } from "@stricli/core";
import type { Architecture } from "../architecture.ts";
import type { PimContext } from "./context.ts";
import { jsonFlag, type JsonFlags, off, parseArch } from "./flags.ts";

/** Flags of `pim build run`. */
export interface RunFlags extends JsonFlags {
  readonly arch?: Architecture;
  readonly iso?: string;
  readonly force: boolean;
  readonly dryRun: boolean;
  readonly onError?: "cleanup" | "keep" | "ask";
  readonly console: boolean;
}

const profile = { parse: String, placeholder: "PROFILE", brief: "Name of a profile in profiles.d" } as const;

const run = buildCommand<RunFlags, [string], PimContext>({
  loader: async () => (await import("./build_impl.ts")).run,
  parameters: {
    flags: {
      arch: {
        kind: "parsed",
        parse: parseArch,
        optional: true,
        brief: "Architecture: amd64 or arm64",
        placeholder: "ARCH",
      },
      iso: {
        kind: "parsed",
        parse: String,
        optional: true,
        brief: "ISO to install from, in place of the profile's",
        placeholder: "KEY",
      },
      force: { ...off, brief: "Build although there seems to be too little room on disk" },
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
    positional: { kind: "tuple", parameters: [profile] },
  },
  docs: { brief: "Build an image: install from the ISO, provision, register" },
});

const list = buildCommand<JsonFlags & { readonly long: boolean }, [], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).list,
  parameters: {
    flags: { ...jsonFlag, long: { ...off, brief: "With size, ISO and file" } },
    aliases: { l: "long" },
  },
  docs: { brief: "List the images that were built" },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).show,
  parameters: {
    flags: jsonFlag,
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "PROFILE|IMAGE",
        brief: "The newest image of a profile, or an image",
      }],
    },
  },
  docs: { brief: "Print what is known of an image" },
});

const status = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./build_list_impl.ts")).status,
  parameters: { flags: jsonFlag },
  docs: { brief: "Print the builds that run, and what failed ones left" },
});

/** Flags of `pim build clean`. */
export interface CleanFlags extends JsonFlags {
  readonly keep?: number;
  readonly dryRun: boolean;
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
      parameters: [{ ...profile, optional: true, brief: "Only what belongs to this profile" }],
    },
  },
  docs: { brief: "Remove what failed builds left, and old images on request" },
});

export const buildRoutes = buildRouteMap({
  routes: { run, list, show, status, clean },
  docs: { brief: "Build images and look after them" },
});
