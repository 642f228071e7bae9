import { describeEvent } from "../../build/events/build_log.ts";
import type { TimedEvent } from "../../build/events/events.ts";
import { describeLeft, fractionByTime } from "../../build/events/expectation.ts";

// How often a line is given while only the fraction of something changes.
const sameTextIntervalMs = 10_000;

/** A function that gives the line for an event where lines are only ever added, or undefined for none. */
export function plainLines(several: boolean): (event: TimedEvent) => string | undefined {
  const said = new Map<string, { readonly text: string; readonly atMs: number }>();
  const nameOf = buildNames(several);
  return (event) => {
    const name = nameOf(event);
    // The error that ends the command says it all.
    if (event.type === "build-failed") return undefined;
    if (event.type === "progress") {
      const last = said.get(event.build);
      const atMs = Date.parse(event.time);
      if (last?.text === event.text && atMs - last.atMs < sameTextIntervalMs) return undefined;
      said.set(event.build, { text: event.text, atMs });
    }
    return `${name}${describeEvent(event)}${describeOutlook(event)}`;
  };
}

/** Names the build of an event by its profile, as a prefix of lines; "" when there is only one build. */
function buildNames(several: boolean): (event: TimedEvent) => string {
  const profiles = new Map<string, string>();
  return (event) => {
    if (event.type === "build-started") profiles.set(event.build, event.profile);
    const profile = profiles.get(event.build);
    return several && profile !== undefined ? `${profile}: ` : "";
  };
}

/** " (45 %, about 2 min left)" after what an event says, as far as that is known; the event may be some time ago. */
export function describeOutlook(event: TimedEvent, agoMs = 0): string {
  if (event.type !== "step-started" && event.type !== "progress") return "";
  const share = event.type === "progress" ? percent(event.stepFraction) : "";
  const left = event.leftMs === undefined ? undefined : event.leftMs - agoMs;
  const words = [share, describeLeft(left)].filter((each) => each !== "");
  return words.length === 0 ? "" : ` (${words.join(", ")})`;
}

function percent(fraction: number | undefined): string {
  return fraction === undefined ? "" : `${Math.floor(fraction * 100)} %`;
}

/** The step that runs, as the redrawn line shows it. */
export interface LiveStep {
  readonly label: string;
  readonly startedMs: number;
  readonly text: string;
  /** How far the work in these words is. */
  readonly fraction?: number;
  /** How far the step is by its milestones. */
  readonly stepFraction?: number;
  /** What the step is expected to take, and what the build will take when the step is done. */
  readonly expectedMs?: number;
  readonly restMs?: number;
}

/** What an event does to a terminal: the step that runs from now on, and a line to leave above it. */
export interface LiveChange {
  readonly step: LiveStep | undefined;
  readonly above?: string;
}

/** Durations as people read them: "1.2 s" exact, or whole seconds. */
export type FormatMs = (ms: number, precision: "exact" | "seconds") => string;

/** How an event changes what a terminal shows of its build; `name` comes before every line of it. */
export function liveChange(
  step: LiveStep | undefined,
  event: TimedEvent,
  { nowMs, format, name }: { readonly nowMs: number; readonly format: FormatMs; readonly name: string },
): LiveChange {
  switch (event.type) {
    case "build-started":
      return { step };
    case "step-started": {
      const label = `${name}[${event.index}/${event.total}] ${event.step}`;
      const { expectedMs, leftMs } = event;
      const expected = expectedMs !== undefined && leftMs !== undefined
        ? { expectedMs, restMs: leftMs - expectedMs }
        : {};
      return { step: { label, startedMs: nowMs, text: "", ...expected } };
    }
    case "progress": {
      const { text, fraction, stepFraction } = event;
      return { step: step && { ...step, text, fraction, stepFraction } };
    }
    case "output":
      return { step, above: `${name}    ${event.line}` };
    case "step-finished": {
      const text = step === undefined || step.text === "" ? "" : `  ${step.text}`;
      const elapsed = format(event.elapsedMs, "exact");
      return { step: undefined, above: `${step?.label ?? `${name}${event.step}`}  ${elapsed}${text}` };
    }
    case "build-finished":
      return {
        step: undefined,
        above: `${name}built ${event.image} in ${format(event.elapsedMs, "seconds")}`,
      };
    case "build-unchanged":
      return { step: undefined, above: `nothing has changed since ${event.image} was built` };
    case "build-failed":
      return { step: undefined };
  }
}

/** The redrawn line of the running step, cut to a terminal's width. */
export function liveLine(step: LiveStep, nowMs: number, columns: number, format: FormatMs): string {
  const { expectedMs, restMs = 0, text } = step;
  const elapsedMs = nowMs - step.startedMs;
  const left = expectedMs === undefined ? undefined : restMs + Math.max(0, expectedMs - elapsedMs);
  const outlook = [percent(fractionByTime(expectedMs, elapsedMs) ?? step.stepFraction), describeLeft(left)];
  const line = [
    step.label,
    format(elapsedMs, "seconds"),
    outlook.filter((each) => each !== "").join(", "),
    `${text} ${percent(step.fraction)}`.trim(),
  ].filter((each) => each !== "").join("  ");
  return line.slice(0, Math.max(40, columns - 1));
}

const lastEvents: ReadonlySet<TimedEvent["type"]> = new Set([
  "build-finished",
  "build-unchanged",
  "build-failed",
]);

/** What a terminal shows of all builds that run. */
export interface LiveBuilds {
  /** Takes an event in and returns a line to leave above those of the running builds. */
  apply(event: TimedEvent, nowMs: number): string | undefined;
  /** One line for each build that runs, in the order in which they began. */
  lines(nowMs: number, columns: number): string[];
}

/** The lines of builds that run side by side; with one build they do not name it. */
export function liveBuilds(several: boolean, format: FormatMs): LiveBuilds {
  const running = new Map<string, LiveStep | undefined>();
  const nameOf = buildNames(several);
  return {
    apply(event, nowMs) {
      const { step, above } = liveChange(running.get(event.build), event, {
        nowMs,
        format,
        name: nameOf(event),
      });
      // Between two steps a build keeps its place.
      if (lastEvents.has(event.type)) running.delete(event.build);
      else running.set(event.build, step);
      return above;
    },
    lines: (nowMs, columns) =>
      [...running.values()]
        .filter((step) => step !== undefined)
        .map((step) => liveLine(step, nowMs, columns, format)),
  };
}
