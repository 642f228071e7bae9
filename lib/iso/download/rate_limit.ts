import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, UsageError } from "../../errors.ts";

/** A number of bytes per second that all who hold it share. */
export interface RateLimit {
  readonly bytesPerSecond: number;
  /** Waits until so many bytes more may have come; rejects with {@linkcode CancelledError} when aborted. */
  take(bytes: number, signal?: AbortSignal): Promise<void>;
}

// What was not used in a pause may be made up for, but not more than this.
const maxCreditMs = 250;

const powers: Readonly<Record<string, number>> = { "": 0, K: 1, M: 2, G: 3, T: 4 };

/** Bytes per second of a text such as "10M" or "500K" (powers of 1024). */
export function parseRate(text: string): number {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?(?:\/s)?$/i.exec(text.trim()) ?? [];
  const bytesPerSecond = Math.floor(Number(number) * 1024 ** (powers[unit.toUpperCase()] ?? 0));
  // At less than this a server would take the connection for dead.
  if (bytesPerSecond >= 1024 && Number.isSafeInteger(bytesPerSecond)) return bytesPerSecond;
  throw new UsageError(
    `Not a rate: ${JSON.stringify(text)}; write bytes per second such as 10M or 500K, 1K at least`,
  );
}

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
