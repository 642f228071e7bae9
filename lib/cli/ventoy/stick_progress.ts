import type { IsoProgress } from "../../iso/verify/verify.ts";
import type { PimContext } from "../context.ts";
import { liveLine } from "../terminal/live_line.ts";

/** A display of what goes to a stick and is read back from it; dispose of it when that is done. */
export interface StickProgress extends Disposable {
  readonly show: (progress: IsoProgress, phase: "copy" | "verify") => void;
}

const doing = { copy: "copying", verify: "reading back" } as const;

/** A line that is redrawn on a terminal, a line now and then elsewhere, nothing under --quiet. */
export async function stickProgress(context: PimContext): Promise<StickProgress> {
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const line = await liveLine(context);
  return {
    show({ key, bytes, totalBytes = 0 }, phase) {
      const percent = totalBytes === 0 ? 100 : Math.floor(bytes / totalBytes * 100);
      const text = `${key}: ${doing[phase]} ${percent}% (${size(bytes)} of ${size(totalBytes)})`;
      line.show(text, bytes === totalBytes);
    },
    [Symbol.dispose]: () => line[Symbol.dispose](),
  };
}
