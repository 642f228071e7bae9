import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { live, liveOrFile } from "../names.ts";
import type { Architecture } from "../../architecture.ts";

/** Flags of `pim ventoy prepare`. */
export interface PrepareFlags extends JsonFlags {
  readonly yes: boolean;
  readonly force: boolean;
  readonly update: boolean;
  readonly gpt: boolean;
  readonly secureBoot?: boolean;
  readonly label?: string;
  readonly allowFixed: boolean;
}

/** Flags of `pim ventoy copy`. */
export interface CopyFlags extends JsonFlags {
  readonly profile?: readonly string[];
  readonly iso?: readonly string[];
  readonly arch?: Architecture;
  readonly full: boolean;
}

const device = {
  parse: String,
  placeholder: "DEVICE",
  brief: "A stick: /dev/sdX, /dev/disk/by-id/…, or the folder where it is mounted " +
    "(default: ventoy.device of pim.yml, else the only one there is)",
  optional: true,
  proposeCompletions: liveOrFile("sticks"),
} as const;
const disk = {
  ...device,
  brief: "The disk: /dev/sdX or /dev/disk/by-id/… (default: ventoy.device of pim.yml)",
};

const download = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./download_impl.ts")).download,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Download Ventoy and unpack it in the cache",
    examples: { "pim ventoy download": "The release that pim.yml chooses" },
  },
});

const prepare = buildCommand<PrepareFlags, [string?], PimContext>({
  loader: async () => (await import("./prepare_impl.ts")).prepare,
  parameters: {
    flags: {
      ...jsonFlag,
      yes: { ...off, brief: "Do not ask: everything on the disk is lost" },
      force: { ...off, brief: "Erase a stick that has Ventoy already" },
      update: { ...off, brief: "Bring the Ventoy on a stick to the release in the cache; all files stay" },
      gpt: { ...off, brief: "Partition table GPT in place of MBR" },
      secureBoot: {
        kind: "boolean",
        optional: true,
        brief: "Support Secure Boot, or not (default: what Ventoy does by itself)",
      },
      label: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "LABEL",
        brief: "Label of the partition with the ISOs (default: Ventoy)",
      },
      allowFixed: { ...off, brief: "Allow a disk that is neither USB nor removable" },
    },
    positional: { kind: "tuple", parameters: [disk] },
  },
  docs: {
    brief: "Make a USB stick a Ventoy stick; everything on it is lost",
    fullDescription:
      "Shows what is on the disk and asks for its name to be typed. The system's own disk, mounted\n" +
      "disks and disks that are in use are refused. Linux only, since Ventoy's installer is; as root or through sudo.",
    examples: {
      "pim ventoy prepare /dev/sdb": "Erase it and put Ventoy on it",
      "pim ventoy prepare /dev/sdb --update": "A newer Ventoy; all files stay",
    },
  },
});

const copy = buildCommand<CopyFlags, [string?], PimContext>({
  loader: async () => (await import("./copy_impl.ts")).copy,
  parameters: {
    flags: {
      ...jsonFlag,
      profile: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        placeholder: "PROFILE",
        proposeCompletions: live("profiles"),
        brief: "Install this profile without a question when its ISO is booted; may be given several times",
      },
      iso: {
        kind: "parsed",
        parse: String,
        variadic: true,
        optional: true,
        placeholder: "KEY",
        proposeCompletions: live("isos"),
        brief: "Put this ISO of the catalog on the stick; may be given several times",
      },
      arch: { ...archFlag, brief: "Architecture of the machines to install (default: the profile's first)" },
      full: { ...off, brief: "Read again the ISOs that are on the stick already, and compare them" },
    },
    positional: { kind: "tuple", parameters: [device] },
  },
  docs: {
    brief: "Copy ISOs and the answer files of profiles to a stick, as far as they changed",
    fullDescription:
      "With --profile the stick installs by itself: the answer files and Ventoy's ventoy.json are\n" +
      "written, and entries of your own in it stay. Missing ISOs are downloaded first.",
    examples: {
      "pim ventoy copy --profile web": "To the only stick there is",
      "pim ventoy copy /dev/sdb --profile web --iso alpine-3.24-amd64-virt": "A profile, and an ISO more",
    },
  },
});

const status = buildCommand<JsonFlags & { readonly full: boolean }, [string?], PimContext>({
  loader: async () => (await import("./status_impl.ts")).status,
  parameters: {
    flags: {
      ...jsonFlag,
      full: { ...off, brief: "Read every ISO of pim's and compare it with its checksum" },
    },
    positional: { kind: "tuple", parameters: [device] },
  },
  docs: {
    brief: "Print what is on a stick: Ventoy, ISOs, profiles, and whether they fit together",
    examples: {
      "pim ventoy status": "The only stick there is",
      "pim ventoy status /dev/sdb --full": "With every ISO read",
    },
  },
});

const list = buildCommand<JsonFlags & { readonly all: boolean }, [], PimContext>({
  loader: async () => (await import("./list_impl.ts")).list,
  parameters: { flags: { ...jsonFlag, all: { ...off, brief: "Built-in disks too" } } },
  docs: {
    brief: "List removable disks and which of them are Ventoy sticks",
    examples: { "pim ventoy list": "The sticks that are plugged in" },
  },
});

const config = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./config_impl.ts")).config,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "Print which Ventoy is used and where it is kept",
    examples: { "pim ventoy config": "The release and its folder" },
  },
});

/** `pim ventoy` */
export const ventoyRoutes = buildRouteMap({
  routes: { download, prepare, copy, status, list, config },
  docs: { brief: "Make USB sticks that install machines by themselves, with Ventoy" },
});
