import { CancelledError } from "../errors.ts";
import { log } from "../log.ts";
import { HttpError } from "./error.ts";

/** Options of {@linkcode withRetries}. */
export interface RetryOptions {
  signal?: AbortSignal;
  /** Tries after the first one; 4 unless given. */
  retries?: number;
  /** The first wait, which doubles each time; 1 s unless given. */
  backoffMs?: number;
  /** Asked before a wait: true when the failed try got on so far that the count begins anew. */
  hasProgress?: () => boolean;
}

const maxWaitMs = 60_000;

/** Calls `attempt` until it succeeds, fails for good or has failed too often; says so before each wait. */
export async function withRetries<T>(attempt: () => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const retries = options.retries ?? 4;
  for (let failures = 1;; failures++) {
    if (options.signal?.aborted) throw new CancelledError();
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof HttpError) || !error.retryable) throw error;
      if (options.hasProgress?.()) failures = 1;
      if (failures > retries) throw error;
      const backoffMs = (options.backoffMs ?? 1000) * 2 ** (failures - 1);
      const waitMs = Math.min(Math.max(backoffMs, error.retryAfterMs ?? 0), maxWaitMs);
      log.warn(`${error.message}; trying again in ${(waitMs / 1000).toFixed(waitMs < 1000 ? 1 : 0)} s`);
      await sleep(waitMs, options.signal);
    }
  }
}

/** Waits; rejects with {@linkcode CancelledError} when aborted. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(new CancelledError());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    if (signal?.aborted) onAbort();
    else signal?.addEventListener("abort", onAbort, { once: true });
  });
}
