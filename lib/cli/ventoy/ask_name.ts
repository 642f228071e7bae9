import { CancelledError, UsageError } from "../../errors.ts";
import type { PimContext } from "../context.ts";
import { readLine } from "../terminal/prompt.ts";

/** Asks on the terminal for the name of what will be lost; throws when another one is typed, or nobody can be asked. */
export async function askName(context: PimContext, name: string, loss: string): Promise<void> {
  if (!context.stdin.isTerminal()) {
    throw new UsageError(`${loss}, and there is no terminal to confirm it`, {
      hint: "If you are sure, say --yes",
    });
  }
  context.process.stderr.write(`${loss}.\nType ${name} to go on: `);
  const typed = (await readLine(context.signal) ?? "").trim();
  if (typed === name) return;
  if (typed === "") throw new CancelledError();
  throw new UsageError(`${typed} is not ${name}; nothing was written`);
}
