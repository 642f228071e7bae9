/** Gives up on a server that is silent for too long. */
export interface StallWatch {
  readonly signal: AbortSignal;
  /** How long the server was silent when it was given up on. */
  stalledMs(): number | undefined;
  during<T>(promise: Promise<T>): Promise<T>;
  stop(): void;
}

/** Ends one single wait for the server that takes too long, or is cancelled; our own slowness does not count. */
export function watchStall(timeoutMs: number, cancel: AbortSignal | undefined): StallWatch {
  const controller = new AbortController();
  let waitingSince: number | undefined;
  let giveUp: (error: unknown) => void = () => {};
  let stalled = false;
  const end = () => {
    controller.abort();
    // Not left to fetch alone: its own signal may be collected as garbage while a body is read (Deno 2.9).
    giveUp(controller.signal.reason);
  };
  const timer = setInterval(() => {
    if (waitingSince === undefined || performance.now() - waitingSince <= timeoutMs) return;
    stalled = true;
    end();
  }, Math.max(20, timeoutMs / 10));
  cancel?.addEventListener("abort", end, { once: true });
  if (cancel?.aborted) end();
  return {
    signal: controller.signal,
    stalledMs: () => stalled ? timeoutMs : undefined,
    async during(promise) {
      waitingSince = performance.now();
      const ended = Promise.withResolvers<never>();
      giveUp = ended.reject;
      try {
        return await Promise.race([promise, ended.promise]);
      } finally {
        waitingSince = undefined;
      }
    },
    stop() {
      clearInterval(timer);
      cancel?.removeEventListener("abort", end);
    },
  };
}
