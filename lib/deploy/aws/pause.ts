import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";

/** Waits; rejects with a {@linkcode CancelledError} when aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {
    throw new CancelledError();
  });
}
