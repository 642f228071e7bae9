/** Exit codes of pim, as documented in the README. */
export const exitCode = {
  ok: 0,
  failure: 1,
  usage: 2,
  host: 3,
  download: 4,
  checksum: 5,
  timeout: 6,
  provisioning: 7,
  verification: 8,
  deploy: 9,
  cancelled: 130,
} as const;

/** One of the exit codes of pim. */
export type ExitCode = (typeof exitCode)[keyof typeof exitCode];

/** What a {@linkcode PimError} carries besides its message. */
export interface PimErrorOptions {
  /** What to do or type next. */
  hint?: string;
  /** The exit code of the process when nobody handles the error; 1 when left out. */
  exitCode?: ExitCode;
  /** The error underneath. */
  cause?: unknown;
}

/** An error meant for a person: what could not be done and why, with a hint on what to type next. */
export class PimError extends Error {
  override readonly name: string = "PimError";
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: PimErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCode.failure;
  }
}

/** Wrong usage or a mistake in the configuration (exit code 2). */
export class UsageError extends PimError {
  override readonly name = "UsageError";

  constructor(message: string, options: Omit<PimErrorOptions, "exitCode"> = {}) {
    super(message, { ...options, exitCode: exitCode.usage });
  }
}

/** The host lacks something that pim needs (exit code 3). */
export class HostError extends PimError {
  override readonly name = "HostError";

  constructor(message: string, options: Omit<PimErrorOptions, "exitCode"> = {}) {
    super(message, { ...options, exitCode: exitCode.host });
  }
}

/** The user asked to stop (exit code 130). */
export class CancelledError extends PimError {
  override readonly name = "CancelledError";

  constructor(message = "Cancelled") {
    super(message, { exitCode: exitCode.cancelled });
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
