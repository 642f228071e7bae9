import { CancelledError, UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";

/** All of standard input, at most `maxBytes`; undefined when it is a terminal. */
export async function readStdin(
  stdin: PimContext["stdin"],
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  signal.throwIfAborted();
  if (stdin.isTerminal()) return undefined;
  // Nothing is sent before its end: whoever left a pipe open by mistake should know what pim waits for.
  const note = setTimeout(() => log.info("Reading standard input to its end; --no-stdin does without"), 3000);
  const cancelled = Promise.withResolvers<never>();
  const cancel = () => cancelled.reject(new CancelledError());
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await Promise.race([collect(stdin.readable, maxBytes), cancelled.promise]);
  } finally {
    clearTimeout(note);
    signal.removeEventListener("abort", cancel);
  }
}

async function collect(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new UsageError(`Standard input is longer than ${maxBytes / 1024 / 1024} MiB`, {
        hint: "The guest agent takes it in one piece. Copy it first: pim cp FILE VM:FILE",
      });
    }
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}
