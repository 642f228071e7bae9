import { log } from "../../log.ts";
import type { Check } from "../../verify/verification.ts";
import type { PimContext } from "../context.ts";
import { overwrittenLine } from "../terminal/overwritten_line.ts";
import { checkLine } from "./table.ts";

/** What a verification is at; dispose of it when it is done. */
export interface VerifyProgress extends Disposable {
  readonly stage: (text: string) => void;
  readonly check: (check: Check) => void;
  /** A line of the verification script. */
  readonly line: (line: string) => void;
}

/** A line that is redrawn on a terminal, where the table follows soon; elsewhere a line for each check. */
export function verifyProgress(context: PimContext, image: string): VerifyProgress {
  if (context.quiet || !context.live) {
    return {
      stage: (text) => log.info(`${image}: ${text}`),
      check: (check) => log.info(checkLine(check)),
      line: (line) => log.info(`  | ${line}`),
      [Symbol.dispose]() {},
    };
  }
  const startedMs = performance.now();
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let now = "";
  const drawn = overwrittenLine(context);
  const draw = () => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const wrong = counts.failed === 0 ? "" : `, ${counts.failed} failed`;
    drawn.show(`${image}  ${seconds} s  ${counts.passed} passed${wrong}  ${now}`.slice(0, 79));
  };
  const timer = setInterval(draw, 500);
  const show = (text: string) => {
    now = text;
    draw();
  };
  return {
    stage: show,
    check({ name, result }) {
      counts[result]++;
      show(`${name}: ${result}`);
    },
    line: show,
    [Symbol.dispose]() {
      clearInterval(timer);
      drawn[Symbol.dispose]();
    },
  };
}
