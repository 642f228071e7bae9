// @ts-types="@types/ssh2"
import type { Client } from "ssh2";
import { abortError, SshError } from "./errors.ts";

/** A live connection as exec and upload see it. */
export interface Link {
  readonly client: Client;
  /** `user@host:port`, for messages. */
  readonly where: string;
  /** The error to report from the moment on that the connection is gone. */
  readonly lost: SshError | undefined;
  /** Calls back once when the connection is gone; the returned function takes that back. */
  onLost(callback: (error: SshError) => void): () => void;
}

/** Limits of one remote operation. */
export interface Limits {
  /** Milliseconds until it fails with kind "timeout"; no limit when left out. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Waits for work, but fails at once when the connection is lost, time is up or the signal aborts. */
export async function guarded<T>(link: Link, what: string, limits: Limits, work: Promise<T>): Promise<T> {
  const { timeoutMs, signal } = limits;
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal?.aborted) reject(abortError(signal));
  if (link.lost !== undefined) reject(link.lost);
  const onAbort = () => reject(abortError(signal!));
  signal?.addEventListener("abort", onAbort);
  const forget = link.onLost((error) =>
    reject(new SshError("lost", `${what}: ${error.message}`, { cause: error }))
  );
  const timer = timeoutMs === undefined ? undefined : setTimeout(
    () => reject(new SshError("timeout", `${what}: it did not end within ${timeoutMs / 1000} s`)),
    timeoutMs,
  );
  // Whichever loses the race must not end the process as an unhandled rejection.
  work.catch(() => {});
  try {
    return await Promise.race([promise, work]);
  } finally {
    clearTimeout(timer);
    forget();
    signal?.removeEventListener("abort", onAbort);
  }
}
