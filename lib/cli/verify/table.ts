import type { Check } from "../../verify/verification.ts";
import { table } from "../table.ts";

/** What came of a verification, a line for each check. */
export function resultTable(checks: readonly Check[]): string {
  return table(
    ["CHECK", "RESULT", "TIME", "DETAIL"],
    checks.map(({ name, result, elapsedMs, detail }) => [
      name,
      result,
      elapsedMs === 0 ? "" : `${(elapsedMs / 1000).toFixed(1)} s`,
      detail,
    ]),
  );
}

/** A check on a line of its own, for a log. */
export function checkLine({ name, result, detail }: Check): string {
  return `${result.padEnd(7)} ${name}: ${detail}`;
}
