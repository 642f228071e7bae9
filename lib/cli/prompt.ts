import { CancelledError } from "../errors.ts";
import type { PimContext } from "./context.ts";

/** Whether somebody is there to answer: both what is asked and the answer need a terminal. */
export function canAsk(context: PimContext): boolean {
  return context.live && context.stdin.isTerminal();
}

/** Asks on the terminal and returns the line that was typed; what stands in brackets when it is empty. */
export async function ask(context: PimContext, question: string, proposal = ""): Promise<string> {
  const answer = await askLine(context, `${question}${proposal === "" ? "" : ` [${proposal}]`}: `);
  return answer === "" ? proposal : answer;
}

/** Asks on the terminal for a yes or a no; what is chosen without a word is written in capitals. */
export async function confirm(context: PimContext, question: string, proposal: boolean): Promise<boolean> {
  const answer = await askLine(context, `${question} [${proposal ? "Y/n" : "y/N"}] `);
  return answer === "" ? proposal : /^y/i.test(answer);
}

// Not prompt(): it asks on stdout, which carries results, and blocks the handler of Ctrl-C.
async function askLine(context: PimContext, question: string): Promise<string> {
  const { signal } = context;
  if (signal.aborted) throw new CancelledError();
  context.process.stderr.write(question);
  const aborted = Promise.withResolvers<null>();
  const stop = () => aborted.resolve(null);
  signal.addEventListener("abort", stop, { once: true });
  try {
    // A terminal hands over a line at a time.
    const line = new Uint8Array(4096);
    const count = await Promise.race([Deno.stdin.read(line), aborted.promise]);
    // The end of the input, by Ctrl-D, is a way to say no to all of it.
    if (signal.aborted || count === null) throw new CancelledError();
    return new TextDecoder().decode(line.subarray(0, count)).trim();
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
