import { CancelledError, UsageError } from "../../errors.ts";
import type { PimContext } from "../context.ts";

/** Asks on the terminal for the name of what will be lost; throws when another one is typed, or nobody can be asked. */
export async function askName(context: PimContext, name: string, loss: string): Promise<void> {
  const { stdin, signal } = context;
  if (!stdin.isTerminal()) {
    throw new UsageError(`${loss}, and there is no terminal to confirm it`, {
      hint: "If you are sure, say --yes",
    });
  }
  context.process.stderr.write(`${loss}.\nType ${name} to go on: `);
  const typed = await readLine(stdin.readable, signal);
  if (typed.trim() === name) return;
  if (typed.trim() === "") throw new CancelledError();
  throw new UsageError(`${typed.trim()} is not ${name}; nothing was written`);
}

async function readLine(stream: ReadableStream<Uint8Array>, signal: AbortSignal): Promise<string> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel, { once: true });
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (!text.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    reader.releaseLock();
  }
  if (signal.aborted) throw new CancelledError();
  return text.split("\n")[0] ?? "";
}
