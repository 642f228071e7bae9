import { deepEqual, equal } from "node:assert/strict";
import type { BuildEvent } from "../../../lib/build/events/events.ts";
import {
  describeLeft,
  estimating,
  expectSteps,
  fractionByTime,
} from "../../../lib/build/events/expectation.ts";
import { milestoneShare } from "../../../lib/installer/milestones.ts";

Deno.test("a step is expected to take the median of what it took", () => {
  const took = (
    install: number,
  ) => [{ step: "install", elapsedMs: install }, { step: "register", elapsedMs: 5 }];
  deepEqual([...expectSteps([took(100), took(900), took(110)])], [["install", 110], ["register", 5]]);
  deepEqual([...expectSteps([took(100), took(200)])], [["install", 150], ["register", 5]]);
  deepEqual([...expectSteps([])], []);
});

/** Emits events at these times, and returns what is told of the outlook with each. */
function outlooks(
  stepMs: Readonly<Record<string, number>>,
  events: readonly (readonly [number, BuildEvent])[],
) {
  const told: BuildEvent[] = [];
  let nowMs = 0;
  const emit = estimating((event) => told.push(event), {
    stepMs: new Map(Object.entries(stepMs)),
    share: (_step, text) => milestoneShare(text),
    now: () => nowMs,
  });
  for (const [atMs, event] of events) {
    nowMs = atMs;
    emit(event);
  }
  return told.map((event) => {
    const { stepFraction, expectedMs, leftMs } = event as {
      stepFraction?: number;
      expectedMs?: number;
      leftMs?: number;
    };
    return [stepFraction, expectedMs, leftMs];
  });
}

const steps = ["install", "script base", "register"];
const progress = (text: string, fraction?: number): BuildEvent => {
  return { type: "progress", step: "install", text, ...(fraction !== undefined && { fraction }) };
};
const events: readonly (readonly [number, BuildEvent])[] = [
  [0, { type: "build-started", profile: "web", architecture: "amd64", steps }],
  [0, { type: "step-started", step: "install", index: 1, total: 3 }],
  [25_000, progress("partitioning")],
  [50_000, progress("setting up libc6")],
  [150_000, progress("finishing", 0.5)],
  [150_000, { type: "step-finished", step: "install", elapsedMs: 150_000 }],
  [150_000, { type: "step-started", step: "script base", index: 2, total: 3 }],
];

Deno.test("earlier builds tell how far a step is, and how long the build will still take", () => {
  deepEqual(outlooks({ install: 100_000, register: 1000 }, events), [
    [undefined, undefined, undefined],
    [undefined, 100_000, 101_000],
    [0.25, undefined, 76_000],
    [0.5, undefined, 51_000],
    // Late: the step is never done by the clock alone.
    [0.99, undefined, 1000],
    [undefined, undefined, undefined],
    // Nothing is known of this step, so that a sum would mislead.
    [undefined, undefined, undefined],
  ]);
});

Deno.test("a first build tells how far its installation is by the installer's milestones", () => {
  deepEqual(outlooks({}, events).map(([fraction]) => fraction), [
    undefined,
    undefined,
    0.11,
    0.11,
    0.86,
    undefined,
    undefined,
  ]);
});

Deno.test("what is left is told in round numbers, and not when it is next to nothing", () => {
  deepEqual([undefined, 0, 7999, 8000, 14_000, 89_000, 90_000, 3_600_000].map(describeLeft), [
    "",
    "",
    "",
    "about 10 s left",
    "about 10 s left",
    "about 90 s left",
    "about 2 min left",
    "about 60 min left",
  ]);
  equal(fractionByTime(2999, 100), undefined);
});
