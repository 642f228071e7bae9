import { configureLog, log } from "../../log.ts";
import type { IsoProgress } from "../../iso/verify/verify.ts";
import type { PimContext } from "../context.ts";
import { type ProgressBoard, progressBoard } from "./progress_board.ts";

/** A display of downloads; dispose of it when they are done. */
export interface ProgressDisplay extends Disposable {
  readonly show: (progress: IsoProgress) => void;
  /** Takes a file that is done out of the display. */
  readonly done: (key: string) => void;
  /** Prints a line of the result. */
  readonly print: (line: string) => void;
}

const liveIntervalMs = 100;
const plainIntervalMs = 10_000;

/** Lines that are redrawn on a terminal, one for each file; a line now and then elsewhere; nothing under --quiet. */
export async function isoProgress(context: PimContext, files = 1): Promise<ProgressDisplay> {
  const { print } = context;
  if (context.quiet) return { show() {}, done() {}, print, [Symbol.dispose]() {} };
  const { default: prettyBytes } = await import("pretty-bytes");
  const board = progressBoard(files, (bytes) => prettyBytes(bytes, { binary: true }));
  // Some terminals do not know their width; a line cannot be redrawn there.
  return context.live && Deno.consoleSize().columns > 0
    ? await liveDisplay(context, board)
    : plainDisplay(context, board);
}

async function liveDisplay(context: PimContext, board: ProgressBoard): Promise<ProgressDisplay> {
  const [{ createLogUpdate }, { default: process }] = await Promise.all([
    import("log-update"),
    import("node:process"),
  ]);
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  let drawnAt = 0;
  const writeLine = (text: string) => context.process.stderr.write(`${text}\n`);
  const draw = () => update(board.lines(performance.now(), Deno.consoleSize().columns).join("\n"));
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
      board.note(progress, now);
      if (now - drawnAt < liveIntervalMs && progress.bytes !== progress.totalBytes) return;
      drawnAt = now;
      draw();
    },
    done: board.done,
    print(line) {
      update.clear();
      context.print(line);
    },
    [Symbol.dispose]() {
      update.clear();
      configureLog({ write: writeLine });
    },
  };
}

function plainDisplay({ print }: PimContext, board: ProgressBoard): ProgressDisplay {
  let saidAt = performance.now();
  return {
    show(progress) {
      const now = performance.now();
      board.note(progress, now);
      if (now - saidAt < plainIntervalMs) return;
      saidAt = now;
      for (const line of board.lines(now)) log.info(line);
    },
    done: board.done,
    print,
    [Symbol.dispose]() {},
  };
}
