import { describeEvent } from "../build/build_log.ts";
import type { TimedEvent } from "../build/events.ts";
import type { PimContext } from "./context.ts";

/** Shows a build's events; disposing of it leaves the terminal as it should be. */
export interface BuildRenderer extends AsyncDisposable {
  readonly listen: (event: TimedEvent) => void;
  /** Asks a yes-or-no question on the terminal. */
  ask(question: string): boolean;
}

/** How events are shown: NDJSON on stdout, redrawn or plain lines on stderr, or not at all. */
export type RenderMode = "json" | "live" | "plain" | "quiet";

/** A renderer for one build. */
export async function buildRenderer(
  options: { readonly mode: RenderMode; readonly context: PimContext; readonly console: boolean },
): Promise<BuildRenderer> {
  const { context, mode } = options;
  const say = (line: string) => context.process.stderr.write(`${line}\n`);
  switch (mode) {
    case "json":
      return simple((event) => context.print(JSON.stringify(event)));
    case "quiet":
      return simple(() => {});
    case "plain":
      return simple(plainLines(say));
    case "live":
      return await liveLines(say);
  }
}

function simple(listen: (event: TimedEvent) => void): BuildRenderer {
  return { listen, ask: yesOrNo, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Plain lines; progress within a step is shown when its words change, and each tenth of a copy. */
function plainLines(say: (line: string) => void): (event: TimedEvent) => void {
  let last = "";
  return (event) => {
    if (event.type === "build-failed") return; // The error that ends the command says it all.
    if (event.type === "progress") {
      const key = `${event.text} ${Math.floor((event.fraction ?? 0) * 10)}`;
      if (key === last) return;
      last = key;
    }
    say(describeEvent(event));
  };
}

/** One line that is redrawn for the running step; finished steps and output of scripts stay above it. */
async function liveLines(say: (line: string) => void): Promise<BuildRenderer> {
  const [{ createLogUpdate }, { default: prettyMs }, process] = await Promise.all([
    import("log-update"),
    import("pretty-ms"),
    import("node:process"),
  ]);
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  let step: { label: string; startedMs: number; text: string; fraction?: number } | undefined;
  const draw = () => {
    if (step === undefined) return;
    const elapsed = prettyMs(performance.now() - step.startedMs, { secondsDecimalDigits: 0 });
    const percent = step.fraction === undefined ? "" : ` ${Math.floor(step.fraction * 100)} %`;
    const width = Math.max(40, Deno.consoleSize().columns - 1);
    update(`${step.label}  ${elapsed}  ${step.text}${percent}`.slice(0, width));
  };
  const above = (line: string) => {
    update.clear();
    say(line);
    draw();
  };
  const timer = setInterval(draw, 250);
  return {
    listen(event) {
      if (event.type === "step-started") {
        step = {
          label: `[${event.index}/${event.total}] ${event.step}`,
          startedMs: performance.now(),
          text: "",
        };
        draw();
      } else if (event.type === "progress" && step !== undefined) {
        step = { ...step, text: event.text, fraction: event.fraction };
        draw();
      } else if (event.type === "output") {
        above(`    ${event.line}`);
      } else if (event.type === "step-finished") {
        const label = step?.label ?? event.step;
        const text = step?.text ?? "";
        step = undefined;
        above(`${label}  ${prettyMs(event.elapsedMs)}${text === "" ? "" : `  ${text}`}`);
      } else if (event.type === "build-finished") {
        above(`built ${event.image} in ${prettyMs(event.elapsedMs, { secondsDecimalDigits: 0 })}`);
      } else if (event.type === "build-failed") {
        step = undefined;
        update.clear();
      }
    },
    ask(question) {
      update.clear();
      return yesOrNo(question);
    },
    [Symbol.asyncDispose]() {
      clearInterval(timer);
      update.clear();
      return Promise.resolve();
    },
  };
}

function yesOrNo(question: string): boolean {
  return confirm(question);
}
