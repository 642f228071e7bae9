import { messageOf } from "../../errors.ts";
import { log, redact } from "../../log.ts";
import type { ReasonCode } from "../diagnosis/reason.ts";

/** What earlier builds of the profile let one expect. */
interface Outlook {
  /** Until the end of the build. */
  readonly leftMs?: number;
}

/** Everything that a build tells while it runs: the terminal, the build log and --json all render this one stream. */
export type BuildEvent =
  | {
    readonly type: "build-started";
    readonly profile: string;
    readonly architecture: string;
    readonly steps: readonly string[];
  }
  | ({
    readonly type: "step-started";
    readonly step: string;
    readonly index: number;
    readonly total: number;
    /** What the step took in earlier builds. */
    readonly expectedMs?: number;
  } & Outlook)
  | ({
    readonly type: "progress";
    readonly step: string;
    readonly text: string;
    /** How far the work in these words is, from 0 to 1. */
    readonly fraction?: number;
    /** How far the whole step is, by milestones or by the time it took earlier, from 0 to 1. */
    readonly stepFraction?: number;
  } & Outlook)
  | { readonly type: "output"; readonly step: string; readonly line: string }
  | { readonly type: "step-finished"; readonly step: string; readonly elapsedMs: number }
  | {
    readonly type: "build-finished";
    readonly image: string;
    readonly path: string;
    readonly bytes: number;
    readonly elapsedMs: number;
  }
  /** Nothing has changed since this image was built. */
  | {
    readonly type: "build-unchanged";
    readonly image: string;
    readonly path: string;
    readonly bytes: number;
  }
  | {
    readonly type: "build-failed";
    readonly step: string;
    /** Which reason it is, as in reason.json: "installer-question", "script-hung". */
    readonly code: ReasonCode;
    readonly reason: string;
    readonly hint?: string;
    readonly exitCode: number;
    /** The folder with the logs, and the disk when it was kept; undefined when nothing stays. */
    readonly folder?: string;
  };

/** A build event with the time it happened and the name of its build, as it is written to logs. */
export type TimedEvent = BuildEvent & { readonly time: string; readonly build: string };

/** Reports an event. */
export type Emit = (event: BuildEvent) => void;

// Fields that carry what people, programs and guests say. A password that happens to be a word must not change the others.
const spoken: ReadonlySet<string> = new Set(["text", "line", "reason", "hint"]);

/**
 * The emitter of one build: it stamps events, hides secrets in what they say and hands them to every listener. A listener that
 * throws (a full disk, a closed terminal) is told of once and left out from then on: the build itself goes on.
 */
export function emitter(build: string, listeners: readonly ((event: TimedEvent) => void)[]): Emit {
  const listening = new Set(listeners);
  return (event) => {
    const clean = Object.fromEntries(
      Object.entries(event).map(([key, value]) => [key, spoken.has(key) ? redact(value) : value]),
    ) as BuildEvent;
    const timed = { time: new Date().toISOString(), build, ...clean };
    for (const listener of listening) {
      try {
        listener(timed);
      } catch (error) {
        listening.delete(listener);
        log.warn(`The build goes on, but its events can no longer be written: ${messageOf(error)}`);
      }
    }
  };
}
