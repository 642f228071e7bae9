import { configureLog } from "../../log.ts";
import type { PimContext } from "../context.ts";

/** Lines on stderr that are drawn over; dispose of them to have the terminal as it was. */
export interface RedrawnLines extends Disposable {
  draw(text: string): void;
  clear(): void;
}

/** Whether lines can be redrawn: some terminals do not know their size. */
export function canRedraw({ live }: PimContext): boolean {
  if (!live) return false;
  const { columns, rows } = Deno.consoleSize();
  return columns > 0 && rows > 0;
}

/**
 * Takes the terminal for lines that are drawn over, below whatever is logged meanwhile.
 *
 * @param say writes a line to stderr
 * @param onLogged called after a line was logged, to draw again at once
 */
export async function redrawnLines(
  say: (line: string) => void,
  onLogged: (lines: RedrawnLines) => void = () => {},
): Promise<RedrawnLines> {
  const [{ createLogUpdate }, { default: process }] = await Promise.all([
    import("log-update"),
    import("node:process"),
  ]);
  // Hiding the cursor would bring signal handlers with it that end the process on Ctrl-C.
  const update = createLogUpdate(process.stderr, { showCursor: true });
  const lines: RedrawnLines = {
    draw: (text) => update(text),
    clear: () => update.clear(),
    [Symbol.dispose]() {
      update.clear();
      configureLog({ write: say });
    },
  };
  configureLog({
    write(text) {
      // Not update.persist: it would break a long line, and with it a checksum to copy.
      update.clear();
      say(text);
      onLogged(lines);
    },
  });
  return lines;
}
