import type { PimContext } from "../context.ts";

/** A line of a terminal that is written over, for what needs no more than that; dispose of it to have it blank. */
export interface OverwrittenLine extends Disposable {
  show(text: string): void;
}

/** Begins it on stderr. It must be shorter than the terminal is wide. */
export function overwrittenLine({ process }: Pick<PimContext, "process">): OverwrittenLine {
  let width = 0;
  return {
    show(text) {
      process.stderr.write(`\r${text.padEnd(width)}`);
      width = text.length;
    },
    [Symbol.dispose]() {
      // Blanks where it stood: what comes next may be shorter.
      if (width > 0) process.stderr.write(`\r${" ".repeat(width)}\r`);
    },
  };
}
