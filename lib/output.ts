const encoder = new TextEncoder();

/**
 * Writes a whole text to stdout or stderr. A reader that has gone (`pim iso list | head`) is no error; nor is a stderr
 * that takes nothing any more (a closed terminal), since progress and logs must not end the work they tell of.
 */
export function writeText(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    writeAllSync(stream, encoder.encode(text));
  } catch (error) {
    if (stream !== Deno.stderr && !(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Writes bytes to stdout or stderr as they are; a reader that has gone is no error. */
export async function writeBytes(stream: ByteOutput, bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(stream, bytes);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** Something to write bytes to, such as `Deno.stdout` or a file. */
export interface ByteOutput {
  write(bytes: Uint8Array): Promise<number>;
}

/**
 * Writes all bytes, which a single write need not do, to an output that may be full for a while; throws
 * Deno.errors.BrokenPipe when a reader has gone.
 */
export async function writeAll(stream: ByteOutput, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(await stream.write(takenWhole(stream, rest)));
    } catch (error) {
      if (!isFull(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

/** The same at once. */
export function writeAllSync(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(stream.writeSync(takenWhole(stream, rest)));
    } catch (error) {
      if (!isFull(error)) throw error;
      Atomics.wait(nobodyWakes, 0, 0, 5);
    }
  }
}

// PIPE_BUF: a pipe takes that much whole or not at all. See pipe(7); on macOS it is 512.
const pipeBytes = Deno.build.os === "linux" ? 4096 : 512;

/** What to write at once: of more than a pipe takes whole, the runtime would not tell how much has got through. */
function takenWhole(stream: object, bytes: Uint8Array): Uint8Array {
  return stream === Deno.stdout || stream === Deno.stderr ? bytes.subarray(0, pipeBytes) : bytes;
}

/** Whether an output takes nothing just now: whoever gave us a pipe may have made it non-blocking. */
function isFull(error: unknown): boolean {
  return error instanceof Deno.errors.WouldBlock;
}
