import { CancelledError, PimError, type PimErrorOptions } from "../errors.ts";

/** Anything that goes wrong on a QMP or guest agent connection. */
export class QmpError extends PimError {
  override readonly name: string = "QmpError";
}

/** The other end answered with an error. */
export class QmpCommandError extends QmpError {
  override readonly name = "QmpCommandError";

  constructor(
    readonly command: string,
    /** The error class of the protocol: mostly "GenericError" or "CommandNotFound". */
    readonly errorClass: string,
    readonly description: string,
    options: PimErrorOptions = {},
  ) {
    super(`${command} failed: ${description}`, options);
  }
}

/** No answer came in time. */
export class QmpTimeoutError extends QmpError {
  override readonly name = "QmpTimeoutError";
}

/** The connection is closed, or never came about. */
export class QmpClosedError extends QmpError {
  override readonly name = "QmpClosedError";
}

/** Whether an error says that the other end does not answer: not in time, or not at all. */
export function isSilence(error: unknown): error is QmpTimeoutError | QmpClosedError {
  return error instanceof QmpTimeoutError || error instanceof QmpClosedError;
}

/** What was sent is not what the protocol allows. */
export class QmpProtocolError extends QmpError {
  override readonly name = "QmpProtocolError";
}

/** The reason of an aborted signal when it is an error of ours, else a {@linkcode CancelledError}. */
export function cancelled(signal: AbortSignal): Error {
  return signal.reason instanceof PimError ? signal.reason : new CancelledError();
}

/**
 * Waits for a promise at most so long, and no longer than until the signal is aborted.
 *
 * @param onTimeout makes the error of a wait that took too long
 * @param extraMs how much more is granted by now
 */
export async function within<T>(
  promise: Promise<T>,
  timeoutMs: number,
  onTimeout: () => Error,
  signal?: AbortSignal,
  extraMs: () => number = () => 0,
): Promise<T> {
  if (signal?.aborted) {
    promise.catch(() => {});
    throw cancelled(signal);
  }
  let giveUp: (error: Error) => void = () => {};
  const limit = new Promise<never>((_, reject) => giveUp = reject);
  const onAbort = () => signal && giveUp(cancelled(signal));
  signal?.addEventListener("abort", onAbort, { once: true });
  const startMs = performance.now();
  const look = () => {
    const leftMs = startMs + timeoutMs + extraMs() - performance.now();
    if (leftMs > 1) timer = setTimeout(look, leftMs);
    else giveUp(onTimeout());
  };
  let timer = setTimeout(look, timeoutMs);
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
