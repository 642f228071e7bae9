import type { StepTime } from "../../image/manifest.ts";
import type { Emit } from "./events.ts";

/** How many builds are looked at: machines and mirrors change, so that only the last ones count. */
export const buildsThatCount = 5;

/** What each step is expected to take in ms: the median of the builds in which it ran. */
export function expectSteps(builds: readonly (readonly StepTime[])[]): ReadonlyMap<string, number> {
  const times = Map.groupBy(builds.flat(), ({ step }) => step);
  return new Map(
    [...times].map((
      [step, all],
    ) => [step, median(all.map((each) => each.elapsedMs))]),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [below = 0, above = 0] = [sorted[(sorted.length - 1) >> 1], sorted[middle]];
  return Math.round((below + above) / 2);
}

/** What is known of a build's steps before they run. */
export interface Expectation {
  /** By the steps' names, in ms: see {@linkcode expectSteps}. */
  readonly stepMs: ReadonlyMap<string, number>;
  /** How far a step is, from 0 to 1, when it says this; for steps that never ran before. */
  share(step: string, text: string): number | undefined;
  /** The clock, in ms; performance.now unless told otherwise. */
  readonly now?: () => number;
}

/** An emitter that adds to events how far a step is, and how long the build will still take, as far as that is known. */
export function estimating(emit: Emit, expectation: Expectation): Emit {
  const { stepMs, share, now = () => performance.now() } = expectation;
  let steps: readonly string[] = [];
  let running: RunningStep | undefined;
  return (event) => {
    if (event.type === "build-started") steps = event.steps;
    else if (event.type === "step-started") {
      const rest = steps.slice(event.index).map((each) => stepMs.get(each) ?? 0);
      running = {
        startedMs: now(),
        expectedMs: stepMs.get(event.step),
        restMs: rest.reduce((sum, each) => sum + each, 0),
      };
      return emit({
        ...event,
        ...(running.expectedMs !== undefined && { expectedMs: running.expectedMs }),
        ...outlook(running, 0),
      });
    } else if (event.type === "progress" && running !== undefined) {
      const elapsedMs = now() - running.startedMs;
      running = { ...running, reached: share(event.step, event.text) ?? running.reached };
      const stepFraction = fractionByTime(running.expectedMs, elapsedMs) ?? running.reached;
      return emit({
        ...event,
        ...(stepFraction !== undefined && { stepFraction }),
        ...outlook(running, elapsedMs),
      });
    }
    emit(event);
  };
}

interface RunningStep {
  readonly startedMs: number;
  readonly expectedMs: number | undefined;
  /** What the steps after it are expected to take. */
  readonly restMs: number;
  /** The share of the last milestone. */
  readonly reached?: number;
}

// Below this, numbers would only flicker.
const shortStepMs = 3000;

/** How far a step is by the time it is expected to take; undefined where that says nothing. It is never done by this alone. */
export function fractionByTime(expectedMs: number | undefined, elapsedMs: number): number | undefined {
  if (expectedMs === undefined || expectedMs < shortStepMs) return undefined;
  return Math.min(0.99, elapsedMs / expectedMs);
}

function outlook({ expectedMs, restMs }: RunningStep, elapsedMs: number): { readonly leftMs?: number } {
  // Without the step that runs now the sum says nothing.
  return expectedMs === undefined ? {} : { leftMs: Math.round(restMs + Math.max(0, expectedMs - elapsedMs)) };
}

/** "about 2 min left"; "" when it is too little to tell, or unknown. */
export function describeLeft(leftMs: number | undefined): string {
  if (leftMs === undefined || leftMs < 8000) return "";
  if (leftMs < 90_000) return `about ${Math.max(10, Math.round(leftMs / 10_000) * 10)} s left`;
  return `about ${Math.round(leftMs / 60_000)} min left`;
}
