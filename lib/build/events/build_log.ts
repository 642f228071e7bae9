import { readTextIfThere } from "../../files.ts";
import { writeAllSync } from "../../output.ts";
import type { TimedEvent } from "./events.ts";

/** Writes events to the two logs of a build: one line of words each, and NDJSON. */
export function openBuildLog(paths: { readonly text: string; readonly ndjson: string }): {
  readonly listen: (event: TimedEvent) => void;
} & Disposable {
  const options = { append: true, create: true, mode: 0o600 };
  const text = Deno.openSync(paths.text, options);
  const ndjson = Deno.openSync(paths.ndjson, options);
  const encoder = new TextEncoder();
  return {
    listen(event) {
      writeAllSync(text, encoder.encode(`${event.time} ${describeEvent(event)}\n`));
      writeAllSync(ndjson, encoder.encode(`${JSON.stringify(event)}\n`));
    },
    [Symbol.dispose]() {
      text.close();
      ndjson.close();
    },
  };
}

/** The last event of a build's NDJSON; undefined when there is none. */
export async function lastEvent(path: string): Promise<TimedEvent | undefined> {
  const lines = (await readTextIfThere(path) ?? "").split("\n");
  for (const line of lines.toReversed()) {
    try {
      // pim's own log, whole lines of which are events.
      return JSON.parse(line) as TimedEvent;
    } catch {
      // Nothing, or half a line: that of a build which writes on, or whose pim was killed.
    }
  }
  return undefined;
}

/** An event in one line of words. */
export function describeEvent(event: TimedEvent): string {
  switch (event.type) {
    case "build-started":
      return `build ${event.build} of profile ${event.profile} for ${event.architecture}: ${
        event.steps.join(", ")
      }`;
    case "step-started":
      return `[${event.index}/${event.total}] ${event.step}`;
    case "progress": {
      const percent = event.fraction === undefined ? "" : ` ${Math.floor(event.fraction * 100)} %`;
      return `${event.step}: ${event.text}${percent}`;
    }
    case "output":
      return `${event.step} | ${event.line}`;
    case "step-finished":
      return `${event.step}: done in ${(event.elapsedMs / 1000).toFixed(1)} s`;
    case "build-finished":
      return `built ${event.path} (${event.bytes} bytes) in ${(event.elapsedMs / 1000).toFixed(1)} s`;
    case "build-unchanged":
      return `nothing has changed since ${event.image} was built`;
    case "build-failed":
      return `failed in step ${event.step}: ${event.reason}`;
  }
}

/** The same in one line: of an error with the last lines of something, what it says itself. */
export function briefEvent(event: TimedEvent): string {
  const [first = ""] = describeEvent(event).split("\n");
  return first.replace(/[.:]? (Its last lines|The last lines of its console):$/, "");
}
