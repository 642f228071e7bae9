import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { writeAll } from "../../output.ts";
import { runInteractive } from "../../process.ts";
import type { ConsoleTerminal } from "../../vm/console/console.ts";
import type { PimContext } from "../context.ts";

/** pim's own input and output, for a console. */
export function terminalOf({ stdin, stdout }: PimContext): ConsoleTerminal {
  const keyboard = stdin.isTerminal();
  const screen = stdout.isTerminal();
  return {
    keyboard,
    screen,
    input: stdin.readable,
    write: (bytes) => writeAll(stdout, bytes),
    async setRaw(raw) {
      stdin.setRaw(raw);
      if (!raw || !screen) return;
      // Deno leaves the terminal's own treatment of output on, which turns a line feed into two bytes. What it puts back
      // with setRaw(false), and whenever it ends, is all that was before.
      await runInteractive(["stty", "-opost"]).catch((error) => log.debug(messageOf(error)));
    },
  };
}
