import { redact } from "../log.ts";

/** Everything that a build tells while it runs: the terminal, the build log and --json all render this one stream. */
export type BuildEvent =
  | {
    readonly type: "build-started";
    readonly build: string;
    readonly profile: string;
    readonly architecture: string;
    readonly steps: readonly string[];
  }
  | { readonly type: "step-started"; readonly step: string; readonly index: number; readonly total: number }
  | { readonly type: "progress"; readonly step: string; readonly text: string; readonly fraction?: number }
  | { readonly type: "output"; readonly step: string; readonly line: string }
  | { readonly type: "step-finished"; readonly step: string; readonly elapsedMs: number }
  | {
    readonly type: "build-finished";
    readonly image: string;
    readonly path: string;
    readonly bytes: number;
    readonly elapsedMs: number;
  }
  | {
    readonly type: "build-failed";
    readonly step: string;
    readonly reason: string;
    readonly hint?: string;
    readonly exitCode: number;
    /** The folder with the logs, and the disk when it was kept; undefined when nothing stays. */
    readonly folder?: string;
  };

/** A build event with the time it happened, as it is written to logs. */
export type TimedEvent = BuildEvent & { readonly time: string };

/** Reports an event. */
export type Emit = (event: BuildEvent) => void;

/** An emitter that stamps events, hides secrets in them and hands them to every listener. */
export function emitter(listeners: readonly ((event: TimedEvent) => void)[]): Emit {
  return (event) => {
    const clean = Object.fromEntries(
      Object.entries(event).map(([key, value]) => [key, typeof value === "string" ? redact(value) : value]),
    ) as BuildEvent;
    for (const listener of listeners) listener({ time: new Date().toISOString(), ...clean });
  };
}
