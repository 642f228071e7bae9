import type { DeployEvent } from "../../../lib/deploy/events.ts";
import type { Check } from "../../../lib/verify/verification.ts";

/** The checks that a deployment has made. */
export interface Checks {
  /** What was found; undefined when no such check was made. */
  detail(name: string): string | undefined;
  /** The names of those with this result. */
  named(result: Check["result"]): string[];
}

/** Reads them from what `pim deploy run --json` prints. */
export function checksIn(stdout: string): Checks {
  const events: readonly DeployEvent[] = stdout.trim().split("\n").map((line) => JSON.parse(line));
  const checks = events.flatMap((event) => event.type === "check" ? [event.check] : []);
  return {
    detail: (wanted) => checks.findLast(({ name }) => name === wanted)?.detail,
    named: (wanted) => checks.filter(({ result }) => result === wanted).map(({ name }) => name),
  };
}
