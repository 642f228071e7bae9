import { log } from "../../log.ts";
import type { IsoProgress } from "../../iso/verify/verify.ts";
import type { PimContext } from "../context.ts";
import { canRedraw, redrawnLines } from "../terminal/redrawn.ts";
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
  return canRedraw(context) ? await liveDisplay(context, board) : plainDisplay(context, board);
}

async function liveDisplay(context: PimContext, board: ProgressBoard): Promise<ProgressDisplay> {
  const lines = await redrawnLines((line) => context.process.stderr.write(`${line}\n`));
  let drawnAt = 0;
  return {
    show(progress) {
      const now = performance.now();
      board.note(progress, now);
      if (now - drawnAt < liveIntervalMs && progress.bytes !== progress.totalBytes) return;
      drawnAt = now;
      lines.draw(board.lines(performance.now(), Deno.consoleSize().columns).join("\n"));
    },
    done: board.done,
    print(line) {
      lines.clear();
      context.print(line);
    },
    [Symbol.dispose]: () => lines[Symbol.dispose](),
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
