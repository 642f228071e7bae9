import { architectures } from "../architecture.ts";
import type { PimContext } from "./context.ts";
import type { LiveName } from "./complete/live_names.ts";

/** Proposes what an argument or a flag may be, while the shell completes a line. */
export type Propose = (this: PimContext, partial: string) => readonly string[] | Promise<readonly string[]>;

/** Proposes names of these kinds, as they are when the shell asks. What finds them is loaded only then. */
export function live(...kinds: readonly LiveName[]): Propose {
  return async function (this: PimContext) {
    const { liveNames } = await import("./complete/live_names.ts");
    return await liveNames(this, kinds);
  };
}

/** The same, and the shell's own paths beside them. */
export function liveOrFile(...kinds: readonly LiveName[]): Propose {
  const names = live(...kinds);
  return function (this: PimContext, partial: string) {
    this.completing?.proposePaths("files");
    return names.call(this, partial);
  };
}

/** Leaves it to the shell to propose files. */
export const files: Propose = function (this: PimContext): readonly string[] {
  this.completing?.proposePaths("files");
  return [];
};

/** Leaves it to the shell to propose folders. */
export const folders: Propose = function (this: PimContext): readonly string[] {
  this.completing?.proposePaths("folders");
  return [];
};

/** Proposes one thing for the first of several arguments, and another for all after it. */
export function firstThen(first: Propose, then?: Propose): Propose {
  return function (this: PimContext, partial: string) {
    const propose = this.completing?.before.length === 0 ? first : then;
    return propose?.call(this, partial) ?? [];
  };
}

/** Architectures that pim builds for. */
export const architectureNames: Propose = (): readonly string[] => architectures;

/** An argument that names a profile. */
export const profileName = {
  parse: String,
  placeholder: "PROFILE",
  brief: "Name of a profile in profiles.d",
  proposeCompletions: live("profiles"),
} as const;

/** An argument that names an ISO of the catalog. */
export const isoKey = {
  parse: String,
  placeholder: "KEY",
  brief: "Key of an ISO in isos.d",
  proposeCompletions: live("isos"),
} as const;

/** An argument that names an image, or a profile for its newest one. */
export const profileOrImage = {
  parse: String,
  placeholder: "PROFILE|IMAGE",
  brief: "The newest image of a profile, or an image",
  proposeCompletions: live("profiles", "images"),
} as const;

/** An argument that names a VM that runs. */
export const runningVm = {
  parse: String,
  placeholder: "VM",
  brief: "Name of a running VM, or how it begins",
  proposeCompletions: live("running-vms"),
} as const;

/** An argument that names a VM, whether it runs or not. */
export const anyVm = {
  ...runningVm,
  brief: "Name of a VM, or how it begins",
  proposeCompletions: live("vms"),
} as const;

/** An argument that names a target. */
export const targetName = {
  parse: String,
  placeholder: "TARGET",
  brief: "Name of a target in targets.d",
  proposeCompletions: live("targets"),
} as const;

/** An argument that names a deployment. */
export const deploymentName = {
  parse: String,
  placeholder: "TARGET/IMAGE",
  brief: "A deployment, as `list` names it",
  proposeCompletions: live("deployments"),
} as const;
