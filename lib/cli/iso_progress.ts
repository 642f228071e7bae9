import { configureLog, log } from "../log.ts";
import type { IsoProgress } from "../iso/verify/verify.ts";
import type { PimContext } from "./context.ts";

/** A display of downloads; dispose of it when they are done. */
export interface ProgressDisplay extends Disposable {
  readonly show: (progress: IsoProgress) => void;
}

const liveIntervalMs = 100;
const plainIntervalMs = 10_000;

/** A line that is redrawn on a terminal, a line now and then elsewhere, nothing under --quiet. */
export async function isoProgress(context: PimContext): Promise<ProgressDisplay> {
  if (context.quiet) return { show() {}, [Symbol.dispose]() {} };
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  // Some terminals do not know their width; a line cannot be redrawn there.
  return context.live && Deno.consoleSize().columns > 0
    ? await liveDisplay(context, size)
    : plainDisplay(size);
}

async function liveDisplay(context: PimContext, size: (bytes: number) => string): Promise<ProgressDisplay> {
  const [{ createLogUpdate }, { default: process }] = await Promise.all([
    import("log-update"),
    import("node:process"),
  ]);
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const line = lineWriter(size);
  let drawnAt = 0;
  const writeLine = (text: string) => context.process.stderr.write(`${text}\n`);
  configureLog({
    write(text) {
      // Not update.persist: it would break a long line, and with it a checksum to copy.
      update.clear();
      writeLine(text);
    },
  });
  return {
    show(progress) {
      const now = performance.now();
      if (now - drawnAt < liveIntervalMs && progress.bytes !== progress.totalBytes) return;
      drawnAt = now;
      update(line(progress, now));
    },
    [Symbol.dispose]() {
      update.clear();
      configureLog({ write: writeLine });
    },
  };
}

function plainDisplay(size: (bytes: number) => string): ProgressDisplay {
  const line = lineWriter(size);
  let saidAt = performance.now();
  return {
    show(progress) {
      const now = performance.now();
      if (now - saidAt < plainIntervalMs) return;
      saidAt = now;
      log.info(line(progress, now));
    },
    [Symbol.dispose]() {},
  };
}

/** Writes progress as "KEY: 12% (80 MiB of 660 MiB), 25 MiB/s". */
function lineWriter(size: (bytes: number) => string): (progress: IsoProgress, nowMs: number) => string {
  let begin: { readonly of: string; readonly bytes: number; readonly ms: number } | undefined;
  return ({ key, phase, bytes, totalBytes }, nowMs) => {
    const of = `${key} ${phase}`;
    if (begin?.of !== of || bytes < begin.bytes) begin = { of, bytes, ms: nowMs };
    const seconds = (nowMs - begin.ms) / 1000;
    const speed = seconds > 0.5 ? `, ${size(Math.round((bytes - begin.bytes) / seconds))}/s` : "";
    const share = totalBytes === undefined || totalBytes === 0
      ? size(bytes)
      : `${Math.floor(bytes / totalBytes * 100)}% (${size(bytes)} of ${size(totalBytes)})`;
    return `${key}: ${phase === "hash" ? "verifying" : "downloading"} ${share}${speed}`;
  };
}
