import { describeEvent } from "../build/build_log.ts";
import type { TimedEvent } from "../build/events.ts";

// How often a line is given while only the fraction of something changes.
const sameTextIntervalMs = 10_000;

/** A function that gives the line for an event where lines are only ever added, or undefined for none. */
export function plainLines(): (event: TimedEvent) => string | undefined {
  let last: { text: string; atMs: number } | undefined;
  return (event) => {
    // The error that ends the command says it all.
    if (event.type === "build-failed") return undefined;
    if (event.type === "progress") {
      const atMs = Date.parse(event.time);
      if (last?.text === event.text && atMs - last.atMs < sameTextIntervalMs) return undefined;
      last = { text: event.text, atMs };
    }
    return describeEvent(event);
  };
}

/** The step that runs, as the redrawn line shows it. */
export interface LiveStep {
  readonly label: string;
  readonly startedMs: number;
  readonly text: string;
  readonly fraction?: number;
}

/** What an event does to a terminal: the step that runs from now on, and a line to leave above it. */
export interface LiveChange {
  readonly step: LiveStep | undefined;
  readonly above?: string;
}

/** Durations as people read them: "1.2 s" exact, or whole seconds. */
export type FormatMs = (ms: number, precision: "exact" | "seconds") => string;

/** How an event changes what a terminal shows. */
export function liveChange(
  step: LiveStep | undefined,
  event: TimedEvent,
  nowMs: number,
  format: FormatMs,
): LiveChange {
  switch (event.type) {
    case "build-started":
      return { step };
    case "step-started": {
      const label = `[${event.index}/${event.total}] ${event.step}`;
      return { step: { label, startedMs: nowMs, text: "" } };
    }
    case "progress":
      return { step: step && { ...step, text: event.text, fraction: event.fraction } };
    case "output":
      return { step, above: `    ${event.line}` };
    case "step-finished": {
      const text = step === undefined || step.text === "" ? "" : `  ${step.text}`;
      const elapsed = format(event.elapsedMs, "exact");
      return { step: undefined, above: `${step?.label ?? event.step}  ${elapsed}${text}` };
    }
    case "build-finished":
      return { step: undefined, above: `built ${event.image} in ${format(event.elapsedMs, "seconds")}` };
    case "build-failed":
      return { step: undefined };
  }
}

/** The redrawn line of the running step, cut to a terminal's width. */
export function liveLine(step: LiveStep, nowMs: number, columns: number, format: FormatMs): string {
  const percent = step.fraction === undefined ? "" : ` ${Math.floor(step.fraction * 100)} %`;
  const line = `${step.label}  ${format(nowMs - step.startedMs, "seconds")}  ${step.text}${percent}`;
  return line.trimEnd().slice(0, Math.max(40, columns - 1));
}
