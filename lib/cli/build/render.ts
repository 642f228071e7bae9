import type { TimedEvent } from "../../build/events/events.ts";
import { type FormatMs, liveBuilds, plainLines } from "./lines.ts";
import { readLine } from "../terminal/prompt.ts";
import { type RedrawnLines, redrawnLines } from "../terminal/redrawn.ts";

/** Shows the events of builds; disposing of it leaves the terminal as it should be. */
export interface BuildRenderer extends Disposable {
  readonly listen: (event: TimedEvent) => void;
  /** Shows a line of the serial console of a profile's machine. */
  readonly console: (profile: string, line: string) => void;
  /** Writes lines to stderr, above whatever is redrawn there. */
  readonly say: (text: string) => void;
  /** Asks a yes-or-no question on the terminal; no when nobody can answer, or when aborted. */
  ask(question: string, signal: AbortSignal): Promise<boolean>;
}

/** How events are shown: NDJSON on stdout, redrawn or plain lines on stderr, or not at all. */
export type RenderMode = "json" | "live" | "plain" | "quiet";

/** Options of {@linkcode buildRenderer}. */
export interface RendererOptions {
  readonly mode: RenderMode;
  /** Whether there are several builds, so that each line has to name its own. */
  readonly several: boolean;
  /** Writes a line to stdout. */
  readonly print: (line: string) => void;
  /** Writes a line to stderr. */
  readonly say: (line: string) => void;
}

/** A renderer for builds that run one after another or side by side. */
export async function buildRenderer(options: RendererOptions): Promise<BuildRenderer> {
  const { mode, several, print, say } = options;
  switch (mode) {
    case "json":
      return lineRenderer(options, (event) => print(JSON.stringify(event)));
    case "quiet":
      return lineRenderer(options, () => {});
    case "live":
      return await liveRenderer(options);
    case "plain": {
      const lineOf = plainLines(several);
      return lineRenderer(options, (event) => {
        const line = lineOf(event);
        if (line !== undefined) say(line);
      });
    }
  }
}

function consoleLine(several: boolean, profile: string, line: string): string {
  return `${several ? `${profile}: ` : ""}console | ${line}`;
}

function lineRenderer(
  { say, several }: RendererOptions,
  listen: (event: TimedEvent) => void,
): BuildRenderer {
  return {
    listen,
    console: (profile, line) => say(consoleLine(several, profile, line)),
    say,
    ask: oneByOne((question, signal) => yesOrNo(say, question, signal)),
    [Symbol.dispose]() {},
  };
}

/** A line for each running build that is redrawn; whatever else is said stays above them. */
async function liveRenderer({ say, several }: RendererOptions): Promise<BuildRenderer> {
  const { default: prettyMs } = await import("pretty-ms");
  const format: FormatMs = (ms, precision) =>
    prettyMs(ms, precision === "seconds" ? { secondsDecimalDigits: 0 } : {});
  const builds = liveBuilds(several, format);
  // A question stands still until it is answered.
  let asking = false;
  const drawOn = (terminal: RedrawnLines) => {
    const lines = asking ? [] : builds.lines(performance.now(), columns());
    if (lines.length > 0) terminal.draw(lines.join("\n"));
    else if (!asking) terminal.clear();
  };
  const redrawn = await redrawnLines(say, drawOn);
  const draw = () => drawOn(redrawn);
  const above = (line: string) => {
    redrawn.clear();
    say(line);
    draw();
  };
  const timer = setInterval(draw, 250);
  return {
    listen(event) {
      const line = builds.apply(event, performance.now());
      if (line === undefined) draw();
      else above(line);
    },
    console: (profile, line) => above(consoleLine(several, profile, line)),
    say: above,
    ask: oneByOne(async (question, signal) => {
      redrawn.clear();
      asking = true;
      try {
        return await yesOrNo(say, question, signal);
      } finally {
        asking = false;
      }
    }),
    [Symbol.dispose]() {
      clearInterval(timer);
      redrawn[Symbol.dispose]();
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

/** Two builds that fail at a time ask one after the other. */
function oneByOne(ask: BuildRenderer["ask"]): BuildRenderer["ask"] {
  let last: Promise<unknown> = Promise.resolve();
  return (question, signal) => {
    const answer = last.then(() => ask(question, signal));
    last = answer.catch(() => {});
    return answer;
  };
}

async function yesOrNo(
  say: (line: string) => void,
  question: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!Deno.stdin.isTerminal() || signal.aborted) return false;
  say(`${question} [y/N]`);
  return /^\s*y/i.test(await readLine(signal) ?? "");
}
