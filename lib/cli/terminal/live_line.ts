import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { canRedraw, redrawnLines } from "./redrawn.ts";

/** One line of progress; dispose of it when the work is over. */
export interface LiveLine extends Disposable {
  /** Shows the line, unless another was shown only just now; `last` is always shown. */
  show(text: string, last?: boolean): void;
  clear(): void;
}

const liveIntervalMs = 100;
const plainIntervalMs = 10_000;

/** A line that is redrawn on a terminal, a line now and then elsewhere, nothing under --quiet. */
export async function liveLine(context: PimContext): Promise<LiveLine> {
  if (context.quiet) return { show() {}, clear() {}, [Symbol.dispose]() {} };
  return canRedraw(context) ? await redrawn(context) : plain();
}

async function redrawn({ process }: PimContext): Promise<LiveLine> {
  const lines = await redrawnLines((line) => process.stderr.write(`${line}\n`));
  let drawnAtMs = 0;
  return {
    show(text, last = false) {
      const now = performance.now();
      if (now - drawnAtMs < liveIntervalMs && !last) return;
      drawnAtMs = now;
      lines.draw(text);
    },
    clear: lines.clear,
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
}

function plain(): LiveLine {
  let saidAtMs = performance.now();
  return {
    show(text) {
      const now = performance.now();
      if (now - saidAtMs < plainIntervalMs) return;
      saidAtMs = now;
      log.info(text);
    },
    clear() {},
    [Symbol.dispose]() {},
  };
}
