import type { BuildPlan } from "../plan.ts";
import { installPoint, scriptPoint, startPoint } from "./keys.ts";
import type { KeptLayer } from "./record.ts";

/** The layer that a build begins with. */
export interface Reuse {
  readonly layer: KeptLayer;
  /** Which of the plan's layers it is. */
  readonly index: number;
}

/** The deepest layer from which this build can go on; undefined when it has to begin with the installer. */
export function chooseLayer(plan: BuildPlan, layers: readonly KeptLayer[]): Reuse | undefined {
  if (plan.keys === undefined || !plan.cache) return undefined;
  for (let index = reusable(plan) - 1; index >= 0; index--) {
    const key = plan.keys.layers[index]?.key;
    const found = layers.findLast((layer) => layer.key === key && reasonAgainst(layer, plan) === undefined);
    if (found !== undefined) return { layer: found, index };
  }
  return undefined;
}

/** Why a build cannot go on from a layer whose key is its own; undefined when it can. */
export function reasonAgainst(layer: KeptLayer, { profile }: Pick<BuildPlan, "profile">): string | undefined {
  if (layer.damage !== undefined) return layer.damage;
  // A build's key is its own: the next one needs another way in.
  if (profile.password === undefined && layer.agent === false) {
    return "its system has no guest agent, and the profile no password, so that there is no way in";
  }
  return undefined;
}

/** How many of the plan's layers lie before the step that it was told to begin from. */
export function reusable({ keys, from }: Pick<BuildPlan, "keys" | "from">): number {
  const steps = keys?.layers.map(({ step }) => step) ?? [];
  const at = from === undefined ? -1 : steps.indexOf(from);
  return at === -1 ? steps.length : at;
}

/** The scripts that are left to run. */
export function scriptsAfter<T>(scripts: readonly T[], reuse: Reuse | undefined): readonly T[] {
  // Two layer points lie before the first script's: see buildKeys.
  return scripts.slice(Math.max(0, (reuse?.index ?? 0) - 1));
}

/**
 * Whether the machine's memory is to be kept at a layer point: before the first script, and before the last, which is
 * the one that people change most.
 */
export function isWarmPoint(
  { profile, scripts }: Pick<BuildPlan, "profile" | "scripts">,
  step: string,
): boolean {
  if (!profile.build.warm || scripts.length === 0) return false;
  const beforeLast = scripts.at(-2);
  return step === startPoint || (beforeLast !== undefined && step === scriptPoint(beforeLast.name));
}

/** Whether a point of this build is to become a layer. */
export function isLayerPoint(plan: BuildPlan, step: string, under: string | undefined): boolean {
  if (plan.keys?.layers.every((layer) => layer.step !== step) ?? true) return false;
  // A started system is worth no more than the installed one under it, unless it need not be started again.
  return step !== startPoint || (under === installPoint && isWarmPoint(plan, step));
}
