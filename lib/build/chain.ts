import { CancelledError } from "../errors.ts";
import type { StepTime } from "../image/manifest.ts";
import type { Emit } from "./events/events.ts";
import { firstError } from "./first_error.ts";

/** What a step may use beside its input. */
export interface StepContext {
  readonly signal: AbortSignal;
  /** What the step takes in use is handed over here and undone, last first, when the build ends. */
  readonly undo: AsyncDisposableStack;
  /** The steps that ran before this one. */
  readonly done: readonly StepTime[];
  /** Reports progress within the step: a few words, and how far of the whole where that is known (0 to 1). */
  progress(text: string, fraction?: number): void;
  /** Reports a line that a program in the guest wrote. */
  output(line: string): void;
}

/** One step of a build: from what is known before it to what is known after. */
export interface Step<In, Out> {
  /** Short and stable, for events and --from: "install", "script base". */
  readonly name: string;
  run(input: In, context: StepContext): Promise<Out>;
}

/** A list of steps in which each takes what the one before returned. */
export interface Chain<In, Out> {
  readonly steps: readonly Step<unknown, unknown>[];
  /** Appends a step. Not called `then`, which would make a promise of a chain wherever one is awaited. */
  step<Next>(step: Step<Out, Next>): Chain<In, Next>;
  /** Appends steps that leave the type as it is, such as one for each script. */
  each(steps: readonly Step<Out, Out>[]): Chain<In, Out>;
}

/** A chain that begins with this step. */
export function chain<In, Out>(first: Step<In, Out>): Chain<In, Out> {
  return chainOf<In, Out>([first as Step<unknown, unknown>]);
}

// The types of the links are checked where a step is appended; inside, a list is just a list.
function chainOf<In, Out>(steps: readonly Step<unknown, unknown>[]): Chain<In, Out> {
  return {
    steps,
    step: <Next>(step: Step<Out, Next>) => chainOf<In, Next>([...steps, step as Step<unknown, unknown>]),
    each: (more) => chainOf<In, Out>([...steps, ...more as readonly Step<unknown, unknown>[]]),
  };
}

/** An error together with the step in which it happened. */
export class StepError extends Error {
  override readonly name = "StepError";

  constructor(readonly step: string, override readonly cause: unknown) {
    super(`step ${step} failed`, { cause });
  }
}

/** Runs the steps in order and reports each; throws {@linkcode StepError}. Undoing is left to the owner of `undo`. */
export async function runChain<In, Out>(
  { steps }: Chain<In, Out>,
  input: In,
  options: { readonly signal: AbortSignal; readonly undo: AsyncDisposableStack; readonly emit: Emit },
): Promise<Out> {
  const { signal, undo, emit } = options;
  const done: StepTime[] = [];
  let state: unknown = input;
  for (const [index, step] of steps.entries()) {
    const startedMs = performance.now();
    emit({ type: "step-started", step: step.name, index: index + 1, total: steps.length });
    try {
      if (signal.aborted) throw signal.reason ?? new CancelledError();
      state = await step.run(state, {
        signal,
        undo,
        done,
        progress: progressReporter(step.name, emit),
        output: (line) => emit({ type: "output", step: step.name, line }),
      });
    } catch (cause) {
      throw new StepError(step.name, firstError(cause));
    }
    const elapsedMs = Math.round(performance.now() - startedMs);
    done.push({ step: step.name, elapsedMs });
    emit({ type: "step-finished", step: step.name, elapsedMs });
  }
  return state as Out;
}

// A download tells of every piece; a log wants to know now and then.
const sameTextIntervalMs = 1000;

/** Emits progress when its words change, and once a second while only the fraction does. */
function progressReporter(step: string, emit: Emit): StepContext["progress"] {
  let last: { text: string; atMs: number } | undefined;
  return (text, fraction) => {
    const atMs = performance.now();
    if (last?.text === text && atMs - last.atMs < sameTextIntervalMs) return;
    last = { text, atMs };
    emit({ type: "progress", step, text, ...(fraction !== undefined && { fraction }) });
  };
}
