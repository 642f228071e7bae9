import { configureLog, log } from "../log.ts";
import type { PimContext } from "./context.ts";

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
  // Some terminals do not know their width; a line cannot be redrawn there.
  return context.live && Deno.consoleSize().columns > 0 ? await redrawn(context) : plain();
}

async function redrawn(context: PimContext): Promise<LiveLine> {
  const [{ createLogUpdate }, { default: process }] = await Promise.all([
    import("log-update"),
    import("node:process"),
  ]);
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const writeLine = (text: string) => context.process.stderr.write(`${text}\n`);
  let drawnAtMs = 0;
  configureLog({
    write(text) {
      // Not update.persist: it would break a long line.
      update.clear();
      writeLine(text);
    },
  });
  return {
    show(text, last = false) {
      const now = performance.now();
      if (now - drawnAtMs < liveIntervalMs && !last) return;
      drawnAtMs = now;
      update(text);
    },
    clear: () => update.clear(),
    [Symbol.dispose]() {
      update.clear();
      configureLog({ write: writeLine });
    },
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
