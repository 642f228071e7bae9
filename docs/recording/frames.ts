import xterm from "@xterm/headless";
import type { Recording } from "./cast.ts";

/** Letters of a line that look the same. */
export interface Run {
  readonly column: number;
  readonly text: string;
  /** 0 to 15, as terminals number their colours; undefined for that of plain text. */
  readonly colour?: number;
  readonly bold: boolean;
  readonly dim: boolean;
}

/** What the screen showed for a while. */
export interface Frame {
  /** When it came, in seconds of the play. */
  readonly second: number;
  readonly lines: readonly (readonly Run[])[];
}

// As session.sh writes it.
const prompt = "\x1b[1;32m$";

/** How a recording is played: faster than it was, and without long waits. */
export interface Pace {
  readonly speed: number;
  /** Seconds of the play: no wait is longer, but what a command has written can be read for a while. */
  readonly longestWait: number;
  readonly atPrompt: number;
  readonly framesPerSecond: number;
}

/** The screens of a recording, by a real terminal emulator; what passes between two of them is not seen. */
export async function framesOf({ columns, rows, events }: Recording, pace: Pace): Promise<Frame[]> {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const frames: Frame[] = [];
  const show = (second: number) => {
    const lines = Array.from({ length: rows }, (_, row) => runsOf(terminal, row));
    if (JSON.stringify(lines) !== JSON.stringify(frames.at(-1)?.lines)) frames.push({ second, lines });
  };
  let [now, last, shown] = [0, 0, 0];
  for (const [second, text] of events) {
    now += text.includes(prompt) ? pace.atPrompt : Math.min((second - last) / pace.speed, pace.longestWait);
    last = second;
    if (now - shown >= 1 / pace.framesPerSecond) {
      show(shown);
      shown = now;
    }
    await new Promise<void>((resolve) => terminal.write(text, resolve));
  }
  show(shown);
  return frames;
}

function runsOf(terminal: xterm.Terminal, row: number): Run[] {
  const { active } = terminal.buffer;
  const line = active.getLine(active.viewportY + row);
  const runs: Run[] = [];
  for (let column = 0; line !== undefined && column < terminal.cols; column++) {
    const cell = line.getCell(column);
    const text = cell?.getChars() || " ";
    const look = {
      ...(cell?.isFgPalette() && { colour: cell.getFgColor() }),
      bold: cell?.isBold() !== 0,
      dim: cell?.isDim() !== 0,
    };
    const before = runs.at(-1);
    const same = before?.colour === look.colour && before?.bold === look.bold && before?.dim === look.dim;
    if (before !== undefined && same) runs[runs.length - 1] = { ...before, text: before.text + text };
    else runs.push({ column, text, ...look });
  }
  return runs.map(trimmed).filter(({ text }) => text !== "");
}

function trimmed(run: Run): Run {
  const before = run.text.length - run.text.trimStart().length;
  return { ...run, column: run.column + before, text: run.text.trim() };
}
