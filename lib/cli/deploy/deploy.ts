import { buildRouteMap } from "@stricli/core";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { bootTimeoutFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { deploymentName, firstThen, profileOrImage, targetName } from "../names.ts";

/** Flags of `pim deploy run`. */
export interface DeployFlags extends JsonFlags {
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly verify?: boolean;
}

/** Flags of `pim deploy verify`. */
export interface VerifyDeployFlags extends JsonFlags {
  /** Seconds. */
  readonly timeout?: number;
}

/** Flags of `pim deploy remove`. */
export interface RemoveFlags extends JsonFlags {
  readonly forget: boolean;
}

/** Flags of `pim deploy output`. */
export interface OutputFlags {
  readonly format: "json" | "tfvars";
}

const imageAndTargets = {
  ...targetName,
  placeholder: "PROFILE|IMAGE TARGET",
  brief: "The newest image of a profile, or an image; then names of targets in targets.d",
  proposeCompletions: firstThen(profileOrImage.proposeCompletions, targetName.proposeCompletions),
};

const run = buildCommand<DeployFlags, [string, ...string[]], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).run,
  parameters: {
    flags: {
      ...jsonFlag,
      dryRun: { ...off, brief: "Print what would be done" },
      force: { ...off, brief: "Deploy again what is there, and replace what has its name" },
      verify: {
        kind: "boolean",
        optional: true,
        brief:
          "Start a throw-away instance where it was deployed, and check it (default: the target's verify)",
      },
    },
    positional: { kind: "array", parameter: imageAndTargets, minimum: 2 },
  },
  docs: {
    brief: "Bring an image to one or several targets",
    fullDescription:
      "Uploads the image, registers it there and writes down what was made. What is there already, unchanged, is left\n" +
      "as it is. After a failure the same command goes on from where it was. Ends with exit code 8 when what was\n" +
      "deployed fails its verification; it stays there.",
    customUsage: ["PROFILE|IMAGE TARGET... [--dry-run] [--force] [--verify] [--json]"],
    examples: {
      "pim deploy run web lab --dry-run": "Only print what would be done",
      "pim deploy run web lab registry": "The newest image of web, to two targets",
      "pim deploy run web lab --verify": "Check instances of it there, too",
    },
  },
});

const list = buildCommand<JsonFlags, [], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).list,
  parameters: { flags: jsonFlag },
  docs: {
    brief: "List what was deployed where",
    examples: { "pim deploy list": "All deployments" },
  },
});

const show = buildCommand<JsonFlags, [string], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).show,
  parameters: { flags: jsonFlag, positional: { kind: "tuple", parameters: [deploymentName] } },
  docs: {
    brief: "Print everything known of a deployment",
    examples: { "pim deploy show lab/web-amd64-20260101T120000Z": "One deployment" },
  },
});

const status = buildCommand<JsonFlags, string[], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).status,
  parameters: { flags: jsonFlag, positional: { kind: "array", parameter: deploymentName } },
  docs: {
    brief: "Ask the targets whether what was deployed is still there",
    examples: { "pim deploy status": "Ask about all of them" },
  },
});

const verify = buildCommand<VerifyDeployFlags, [string], PimContext>({
  loader: async () => (await import("./verify_impl.ts")).verify,
  parameters: {
    flags: { ...jsonFlag, timeout: bootTimeoutFlag },
    positional: { kind: "tuple", parameters: [deploymentName] },
  },
  docs: {
    brief: "Start throw-away instances of a deployment and check them",
    fullDescription:
      "Starts an instance where the image was deployed (libvirt, Proxmox VE, a cloud; a file is booted here), makes the\n" +
      "checks of `pim verify` in it through its guest agent or over SSH, and starts another to compare their identities.\n" +
      "What was deployed is not changed by it. Ends with exit code 8 when a check fails.",
    examples: { "pim deploy verify lab/web-amd64-20260101T120000Z": "Start it there and check it" },
  },
});

const remove = buildCommand<RemoveFlags, [string, ...string[]], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).remove,
  parameters: {
    flags: {
      ...jsonFlag,
      forget: { ...off, brief: "Only forget it; whatever is at the target stays there" },
    },
    positional: { kind: "array", parameter: deploymentName, minimum: 1 },
  },
  docs: {
    brief: "Remove deployments from their targets",
    examples: {
      "pim deploy remove lab/web-amd64-20260101T120000Z": "Take it from the target",
      "pim deploy remove lab/web-amd64-20260101T120000Z --forget": "When the target is no more",
    },
  },
});

const output = buildCommand<OutputFlags, [], PimContext>({
  loader: async () => (await import("./deploy_impl.ts")).output,
  parameters: {
    flags: {
      format: {
        kind: "enum",
        values: ["json", "tfvars"],
        default: "json",
        brief: "JSON, or variables for OpenTofu",
      },
    },
  },
  docs: {
    brief: "Print references to the newest deployments, for OpenTofu and scripts",
    examples: { "pim deploy output --format tfvars": "Variables for OpenTofu" },
  },
});

/** `pim deploy` */
export const deployRoutes = buildRouteMap<string, PimContext>({
  routes: { run, list, show, status, verify, remove, output },
  docs: { brief: "Bring images to hypervisors, clouds and registries" },
});
