const encoder = new TextEncoder();

/** Writes a whole text to stdout or stderr; a reader that has gone (`pim iso list | head`) is no error. */
export function writeText(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
