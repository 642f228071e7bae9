import type { TimedEvent } from "../build/events.ts";
import { configureLog } from "../log.ts";
import { type FormatMs, liveChange, liveLine, type LiveStep, plainLines } from "./build_lines.ts";

/** Shows a build's events; disposing of it leaves the terminal as it should be. */
export interface BuildRenderer extends Disposable {
  readonly listen: (event: TimedEvent) => void;
  /** Shows a line of the machine's serial console. */
  readonly console: (line: string) => void;
  /** Asks a yes-or-no question on the terminal; no when nobody can answer, or when aborted. */
  ask(question: string, signal: AbortSignal): Promise<boolean>;
}

/** How events are shown: NDJSON on stdout, redrawn or plain lines on stderr, or not at all. */
export type RenderMode = "json" | "live" | "plain" | "quiet";

/** A renderer for one build; `print` writes a line to stdout, `say` one to stderr. */
export async function buildRenderer(options: {
  readonly mode: RenderMode;
  readonly print: (line: string) => void;
  readonly say: (line: string) => void;
}): Promise<BuildRenderer> {
  const { mode, print, say } = options;
  switch (mode) {
    case "json":
      return lineRenderer(say, (event) => print(JSON.stringify(event)));
    case "quiet":
      return lineRenderer(say, () => {});
    case "live":
      return await liveRenderer(say);
    case "plain": {
      const lineOf = plainLines();
      return lineRenderer(say, (event) => {
        const line = lineOf(event);
        if (line !== undefined) say(line);
      });
    }
  }
}

const consoleLine = (line: string): string => `console | ${line}`;

function lineRenderer(say: (line: string) => void, listen: (event: TimedEvent) => void): BuildRenderer {
  return {
    listen,
    console: (line) => say(consoleLine(line)),
    ask: (question, signal) => yesOrNo(say, question, signal),
    [Symbol.dispose]() {},
  };
}

/** One line that is redrawn for the running step; whatever else is said stays above it. */
async function liveRenderer(say: (line: string) => void): Promise<BuildRenderer> {
  const [{ createLogUpdate }, { default: prettyMs }, process] = await Promise.all([
    import("log-update"),
    import("pretty-ms"),
    import("node:process"),
  ]);
  const format: FormatMs = (ms, precision) =>
    prettyMs(ms, precision === "seconds" ? { secondsDecimalDigits: 0 } : {});
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  let step: LiveStep | undefined;
  const draw = () => {
    if (step !== undefined) update(liveLine(step, performance.now(), columns(), format));
  };
  const above = (line: string) => {
    update.clear();
    say(line);
    draw();
  };
  const timer = setInterval(draw, 250);
  configureLog({ write: above });
  return {
    listen(event) {
      const change = liveChange(step, event, performance.now(), format);
      step = change.step;
      if (change.above !== undefined) above(change.above);
      else if (step === undefined) update.clear();
      else draw();
    },
    console: (line) => above(consoleLine(line)),
    ask(question, signal) {
      step = undefined;
      update.clear();
      return yesOrNo(say, question, signal);
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      configureLog({ write: say });
      step = undefined;
      update.clear();
    },
  };
}

function columns(): number {
  try {
    return Deno.consoleSize().columns;
  } catch {
    return 80; // The terminal is gone, or has never known its width.
  }
}

// Not confirm(): it asks on stdout, which carries results, and blocks the handler of Ctrl-C.
async function yesOrNo(
  say: (line: string) => void,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!Deno.stdin.isTerminal() || signal.aborted) return false;
  say(`${question} [y/N]`);
  const answer = new Uint8Array(256);
  const aborted = Promise.withResolvers<null>();
  const stop = () => aborted.resolve(null);
  signal.addEventListener("abort", stop, { once: true });
  const count = await Promise.race([Deno.stdin.read(answer), aborted.promise]);
  signal.removeEventListener("abort", stop);
  return count !== null && /^\s*y/i.test(new TextDecoder().decode(answer.subarray(0, count)));
}
