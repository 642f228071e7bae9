import type { IsoProgress } from "../../iso/verify/verify.ts";
import { configureLog, log } from "../../log.ts";
import type { PimContext } from "../context.ts";

/** A display of what goes to a stick and is read back from it; dispose of it when that is done. */
export interface StickProgress extends Disposable {
  readonly show: (progress: IsoProgress, phase: "copy" | "verify") => void;
}

const liveIntervalMs = 100;
const plainIntervalMs = 10_000;
const doing = { copy: "copying", verify: "reading back" } as const;

/** A line that is redrawn on a terminal, a line now and then elsewhere, nothing under --quiet. */
export async function stickProgress({ live, quiet, process }: PimContext): Promise<StickProgress> {
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  let shown = "";
  let saidMs = performance.now();
  const blank = () => {
    if (shown !== "") process.stderr.write(`\r${" ".repeat(shown.length)}\r`);
    shown = "";
  };
  const writeLine = (text: string) => process.stderr.write(`${text}\n`);
  if (live && !quiet) {
    configureLog({
      write(text) {
        blank();
        writeLine(text);
      },
    });
  }
  return {
    show({ key, bytes, totalBytes = 0 }, phase) {
      const nowMs = performance.now();
      const last = bytes === totalBytes;
      if (quiet || nowMs - saidMs < (live ? liveIntervalMs : plainIntervalMs) && !(live && last)) return;
      saidMs = nowMs;
      const share = totalBytes === 0 ? 100 : Math.floor(bytes / totalBytes * 100);
      const text = `${key}: ${doing[phase]} ${share}% (${size(bytes)} of ${size(totalBytes)})`;
      if (!live) return log.info(text);
      blank();
      process.stderr.write(text);
      shown = text;
    },
    [Symbol.dispose]() {
      blank();
      if (live && !quiet) configureLog({ write: writeLine });
    },
  };
}
