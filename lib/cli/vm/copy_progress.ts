import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { overwrittenLine } from "../terminal/overwritten_line.ts";

/** How far the copy of an image is; dispose of it when it is done. */
export interface CopyProgress extends Disposable {
  /** @param fraction 0 to 1 */
  readonly show: (fraction: number) => void;
}

const plainIntervalMs = 10_000;

/** A line that is redrawn on a terminal, a line now and then elsewhere, nothing under --quiet. */
export function copyProgress(context: PimContext): CopyProgress {
  const line = overwrittenLine(context);
  let shown = "";
  let saidMs = performance.now();
  return {
    show(fraction) {
      const text = `copying the image: ${Math.floor(fraction * 100)} %`;
      if (context.quiet || text === shown) return;
      if (context.live) {
        line.show(text);
        shown = text;
      } else if (performance.now() - saidMs >= plainIntervalMs) {
        log.info(text);
        saidMs = performance.now();
      }
    },
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}
