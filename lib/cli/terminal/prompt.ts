import { CancelledError } from "../../errors.ts";
import type { PimContext } from "../context.ts";

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

async function askLine(context: PimContext, question: string): Promise<string> {
  if (context.signal.aborted) throw new CancelledError();
  context.process.stderr.write(question);
  const line = await readLine(context.signal);
  // The end of the input, by Ctrl-D, is a way to say no to all of it.
  if (line === undefined) throw new CancelledError();
  return line.trim();
}

/**
 * The next line that is typed on the terminal; undefined at the end of the input, or when aborted. Not by prompt(): that
 * asks on stdout, which carries results, and blocks the handler of Ctrl-C.
 */
export async function readLine(signal: AbortSignal): Promise<string | undefined> {
  if (signal.aborted) return undefined;
  const aborted = Promise.withResolvers<null>();
  const stop = () => aborted.resolve(null);
  signal.addEventListener("abort", stop, { once: true });
  try {
    // A terminal hands over a line at a time.
    const line = new Uint8Array(4096);
    const count = await Promise.race([Deno.stdin.read(line), aborted.promise]);
    return signal.aborted || count === null ? undefined : new TextDecoder().decode(line.subarray(0, count));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
