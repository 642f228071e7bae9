import { setTimeout as sleep } from "node:timers/promises";
import type { TimedEvent } from "../../lib/build/events/events.ts";
import { startPim } from "../e2e/pim.ts";

/** Milliseconds that steps took when they were last finished, by their names. */
export type StepTimes = Map<string, number>;

/** A build of pim's, with its events. */
export interface SoakBuild {
  /** Exit code; killed by a signal it is more than 128. */
  readonly code: number;
  readonly stderr: string;
  readonly events: readonly TimedEvent[];
}

/** How a build is started. */
export interface SoakBuildOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly times: StepTimes;
}

/** Runs a build to its end, and remembers what its steps took. */
export async function runBuild(options: SoakBuildOptions): Promise<SoakBuild> {
  return await watch(options, () => undefined);
}

/**
 * Runs a build and kills pim (SIGKILL) at a random moment of one of its steps, each step being as likely as another;
 * returns the name of that step too. A build that ends before is told by its code.
 */
export async function killBuild(
  options: SoakBuildOptions,
  random: () => number,
): Promise<SoakBuild & { readonly step: string }> {
  let [step, chosen] = ["(none)", 0];
  const build = await watch(options, (event) => {
    if (event.type === "build-started") chosen = Math.floor(random() * event.steps.length);
    if (event.type === "build-unchanged") return undefined;
    if (event.type !== "step-started" || --chosen !== -1) return undefined;
    step = event.step;
    return random() * (options.times.get(step) ?? 1000);
  });
  return { ...build, step };
}

/** `killAfter` returns the milliseconds after an event at which pim is to be killed. */
async function watch(
  { args, env, times }: SoakBuildOptions,
  killAfter: (event: TimedEvent) => number | undefined,
): Promise<SoakBuild> {
  const events: TimedEvent[] = [];
  const ended = new AbortController();
  const running = startPim(args, {
    env,
    onLine: (line) => {
      const event = eventOf(line);
      if (event === undefined) return;
      events.push(event);
      if (event.type === "step-finished") times.set(event.step, event.elapsedMs);
      const afterMs = killAfter(event);
      if (afterMs !== undefined) {
        void sleep(afterMs, undefined, { signal: ended.signal }).then(kill, () => {});
      }
    },
  });
  const kill = () => running.kill("SIGKILL");
  const { code, stderr } = await running.result;
  ended.abort();
  return { code, stderr, events };
}

/** An event from a line of --json; stderr has other lines. */
function eventOf(line: string): TimedEvent | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value === "object" && value !== null && "type" in value ? value as TimedEvent : undefined;
  } catch {
    return undefined;
  }
}
