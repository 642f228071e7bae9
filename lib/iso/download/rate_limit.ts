import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";

/** A number of bytes per second that all who hold it share. */
export interface RateLimit {
  readonly bytesPerSecond: number;
  /** Waits until so many bytes more may have come; rejects with {@linkcode CancelledError} when aborted. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

// What was not used in a pause may be made up for, but not more than this.
const maxCreditMs = 250;

/** A limit on what comes from the network. */
export function rateLimit(bytesPerSecond: number): RateLimit {
  let paidUntilMs = 0;
  return {
    bytesPerSecond,
    async take(bytes, signal) {
      const nowMs = performance.now();
      paidUntilMs = Math.max(paidUntilMs, nowMs - maxCreditMs) + bytes / bytesPerSecond * 1000;
      if (paidUntilMs <= nowMs) return;
      try {
        await sleep(paidUntilMs - nowMs, undefined, { signal });
      } catch (cause) {
        if (signal?.aborted) throw new CancelledError();
        throw cause;
      }
    },
  };
}
