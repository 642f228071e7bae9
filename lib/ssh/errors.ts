import { CancelledError, type ExitCode, exitCode, PimError, type PimErrorOptions } from "../errors.ts";

/**
 * Why SSH failed. `refused`: nothing listens on the port; `no-banner`: it accepts but no SSH server answers;
 * `auth`: every way to log in was refused; `host-key`: not the pinned host key; `timeout`: not done in time;
 * `lost`: the connection ended; `protocol`: anything else that the two sides did not agree on.
 */
export type SshErrorKind = "refused" | "no-banner" | "auth" | "host-key" | "timeout" | "lost" | "protocol";

const exitCodes: Record<SshErrorKind, ExitCode> = {
  refused: exitCode.timeout,
  "no-banner": exitCode.timeout,
  auth: exitCode.timeout,
  timeout: exitCode.timeout,
  "host-key": exitCode.failure,
  lost: exitCode.failure,
  protocol: exitCode.failure,
};

/** An SSH connection that could not be made or kept, or a remote command that did not end in time. */
export class SshError extends PimError {
  override readonly name = "SshError";

  constructor(readonly kind: SshErrorKind, message: string, options: PimErrorOptions = {}) {
    super(message, { exitCode: exitCodes[kind], ...options });
  }
}

/** What to throw when a signal was aborted: its reason when somebody gave one, else {@linkcode CancelledError}. */
export function abortError(signal: AbortSignal): unknown {
  const { reason } = signal;
  return reason instanceof DOMException && reason.name === "AbortError" ? new CancelledError() : reason;
}
