const longestMs = 200;

/**
 * Whether pim was told to stop, of which it may hear a little later than a program that it runs: Ctrl-C at a terminal
 * reaches both, and the program may have ended by then.
 */
export async function isCancelled(signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, longestMs);
    signal.addEventListener("abort", done);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
  });
  return signal.aborted;
}
