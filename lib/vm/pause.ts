import { setTimeout as sleep } from "node:timers/promises";
import { cancelled } from "../qemu/qmp_error.ts";

/** Waits so long; throws the error of the signal when that is aborted meanwhile. */
export async function pause(durationMs: number, signal?: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch((error) => {
    throw signal === undefined ? error : cancelled(signal);
  });
}

/** A duration for messages: "5 s", "0.25 s". */
export function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 10) / 100} s`;
}
