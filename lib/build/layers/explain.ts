import type { BuildPlan, LayerPlan } from "../plan.ts";
import { chooseLayer, isWarmPoint, reasonAgainst, reusable } from "./choose.ts";
import { installPoint, startPoint } from "./keys.ts";
import type { KeptLayer } from "./record.ts";

/** What a build would do with one of its steps, and why. */
export interface Explained {
  readonly step: string;
  readonly action: "reuse" | "run";
  readonly why: string;
  /** Content key of the layer that the step ends in. */
  readonly key?: string;
  /** The layer that is there already. */
  readonly layer?: string;
  /** Milliseconds that the step took when it ran last. */
  readonly lastMs?: number;
}

/** Explains a plan, layer by layer; undefined when the keys are not known before the ISO is there. */
export function explainLayers(plan: BuildPlan, layers: readonly KeptLayer[]): Explained[] | undefined {
  const { keys } = plan;
  if (keys === undefined) return undefined;
  const reuse = chooseLayer(plan, layers);
  const rows = keys.layers.map((point, index): Explained => {
    const mine = layers.findLast(({ key }) => key === point.key);
    const last = mine ?? lastOf(plan, point, layers);
    const about = {
      step: point.step,
      key: point.key,
      ...(last !== undefined && { lastMs: last.elapsedMs }),
    };
    if (reuse !== undefined && index <= reuse.index) {
      return {
        ...about,
        action: "reuse",
        why: index === reuse.index ? reuseOf(reuse.layer) : "unchanged",
        ...(mine !== undefined && { layer: mine.id }),
      };
    }
    return { ...about, action: "run", why: whyRun(plan, index, point, layers) };
  });
  return [
    // What is only started is told of where it is a layer, or could be one.
    ...rows.filter(({ step, action }) =>
      step !== startPoint || action === "run" || isWarmPoint(plan, startPoint)
    ),
    { step: "finalize", action: "run", why: "never kept" },
  ];
}

function reuseOf({ build, memory }: KeptLayer): string {
  return `unchanged; goes on from what ${build} kept${memory === undefined ? "" : ", memory and all"}`;
}

function whyRun(plan: BuildPlan, index: number, point: LayerPlan, layers: readonly KeptLayer[]): string {
  if (!plan.cache) return "--no-cache";
  if (index >= reusable(plan)) return `--from ${plan.from}`;
  const same = layers.findLast(({ key }) => key === point.key);
  if (same !== undefined) return reasonAgainst(same, plan) ?? "what it lies on cannot be used";
  const last = lastOf(plan, point, layers);
  if (last === undefined) return isNew(plan, point, layers) ? "new" : "there is no layer of it";
  const changes = changedInputs(last.inputs, point.inputs);
  if (changes.length > 0) return changes.join(", ");
  const before = plan.keys?.layers[index - 1];
  if (point.step === startPoint) return "follows install";
  return `follows ${before?.step === startPoint ? installPoint : before?.step ?? "another"}`;
}

/** The newest layer of the same step of the same profile. */
function lastOf(plan: BuildPlan, { step }: LayerPlan, layers: readonly KeptLayer[]): KeptLayer | undefined {
  return layers.findLast((layer) =>
    layer.step === step && layer.profile === plan.profile.name && layer.architecture === plan.architecture
  );
}

/** Whether other steps of the profile have layers, and this one has not. */
function isNew(plan: BuildPlan, { step }: LayerPlan, layers: readonly KeptLayer[]): boolean {
  return step.startsWith("script ") && layers.some(({ profile }) => profile === plan.profile.name);
}

/** The names of the inputs that differ: "preseed.cfg changed", "$PIM_VAR_X is new". */
function changedInputs(
  before: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return names.flatMap((name) => {
    if (before[name] === now[name]) return [];
    if (before[name] === undefined) return [`${name} is new`];
    return [now[name] === undefined ? `${name} is gone` : `${name} changed`];
  });
}
