import { buildRouteMap } from "@stricli/core";
import type { Architecture } from "../architecture.ts";
import { buildCommand } from "./command.ts";
import type { PimContext } from "./context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "./flags.ts";
import { files } from "./names.ts";

/** Flags of `pim image pull`. */
export interface PullFlags extends JsonFlags {
  readonly name?: string;
  readonly arch?: Architecture;
  readonly insecure: boolean;
  readonly caFile?: string;
}

const reference = {
  parse: String,
  placeholder: "REF",
  brief: "Where it is: registry.example.org/team/web:latest",
} as const;

const pull = buildCommand<PullFlags, [string], PimContext>({
  loader: async () => (await import("./image_impl.ts")).pull,
  parameters: {
    flags: {
      ...jsonFlag,
      name: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "NAME",
        brief: "What it is called here (default: what it was called where it was built)",
      },
      arch: { ...archFlag, brief: "Of an index of several, that for amd64 or arm64 (default: this host's)" },
      insecure: { ...off, brief: "Plain http, which registries on this machine have anyway" },
      caFile: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "FILE",
        brief: "Certificates of authorities to trust, in PEM",
        proposeCompletions: files,
      },
    },
    positional: { kind: "tuple", parameters: [reference] },
  },
  docs: {
    brief: "Bring an image here from an OCI registry",
    fullDescription:
      "Pulls what `pim deploy run` has pushed to a target of the type oci, or any containerDisk with a qcow2 disk, checks\n" +
      "it and registers it. A pull that was cut short goes on where it was. Logins are those of podman, docker and skopeo.",
    examples: {
      "pim image pull registry.example.org/team/web:latest": "The image behind a tag",
      "pim image pull 127.0.0.1:5000/web:latest --name web-copy":
        "From a registry on this machine, under another name",
    },
  },
});

/** `pim image` */
export const imageRoutes = buildRouteMap<string, PimContext>({
  routes: { pull },
  docs: { brief: "Bring images here from registries" },
});
