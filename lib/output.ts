const encoder = new TextEncoder();

/**
 * Writes a whole text to stdout or stderr. A reader that has gone (`pim iso list | head`) is no error; nor is a stderr
 * that takes nothing any more (a closed terminal), since progress and logs must not end the work they tell of.
 */
export function writeText(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  try {
    writeAllSync(blocking(stream), encoder.encode(text));
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

const reopened = new Map<unknown, Deno.FsFile>();
const nonBlocking = 0o4000;

/**
 * stdout or stderr, opened once more where others have made it non-blocking, as ssh does with a terminal that it shares:
 * of a write that is not taken whole Deno does not tell how much was, and what was opened anew waits (Linux, proc(5)).
 */
function blocking<T>(stream: T): T | Deno.FsFile {
  const fd = [Deno.stdin, Deno.stdout, Deno.stderr].findIndex((each) => each === stream as unknown);
  if (fd < 1 || Deno.build.os !== "linux") return stream;
  try {
    const [, flags = ""] = /^flags:\s*(\d+)$/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`)) ?? [];
    const path = `/proc/self/fd/${fd}`;
    // A file would be written from its beginning again.
    if ((parseInt(flags, 8) & nonBlocking) === 0 || Deno.statSync(path).isFile) return stream;
    const file = reopened.get(stream) ?? Deno.openSync(path, { write: true });
    reopened.set(stream, file);
    return file;
  } catch {
    return stream; // A socket, or a terminal of somebody else's.
  }
}

/** Something to write bytes to, such as `Deno.stdout` or a file. */
export interface ByteOutput {
  write(bytes: Uint8Array): Promise<number>;
}

// Whoever gave us a pipe may have made it non-blocking, and nobody says when it takes more.
const retryMs = 5;

/** Writes all bytes, which a single write need not do; throws Deno.errors.BrokenPipe when a reader has gone. */
export async function writeAll(stream: ByteOutput, bytes: Uint8Array): Promise<void> {
  const output = blocking(stream);
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(await output.write(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

/** The same at once: nothing else happens meanwhile. */
export function writeAllSync(file: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let rest = bytes; rest.length > 0;) {
    try {
      rest = rest.subarray(file.writeSync(rest));
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs);
    }
  }
}
