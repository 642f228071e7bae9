import { exitCode, PimError } from "../errors.ts";

/** How a check came out; one that could not be made is "skipped", which is no failure. */
export interface Outcome {
  readonly result: "passed" | "failed" | "skipped";
  /** What was found, or why it could not be looked for, in a few words. */
  readonly detail: string;
}

/** One thing that was checked of an image. */
export interface Check extends Outcome {
  readonly name: string;
  readonly elapsedMs: number;
}

/** What came of the checks of an image. */
export interface Verification {
  /** Whether no check failed. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly elapsedMs: number;
}

/** The outcome of a check that found things as they shall be. */
export function passed(detail: string): Outcome {
  return { result: "passed", detail };
}

/** The outcome of a check that found something wrong. */
export function failed(detail: string): Outcome {
  return { result: "failed", detail };
}

/** The outcome of a check that could not be made. */
export function skipped(why: string): Outcome {
  return { result: "skipped", detail: why };
}

/** A sentence on a verification: how many checks passed, or which failed. */
export function describeVerification({ checks }: Pick<Verification, "checks">): string {
  const wrong = checks.filter(({ result }) => result === "failed").map(({ name }) => name);
  if (wrong.length > 0) return `${wrong.length} of ${checks.length} checks failed: ${wrong.join(", ")}`;
  const good = checks.filter(({ result }) => result === "passed").length;
  const left = checks.length - good;
  return `${good} checks passed${left === 0 ? "" : `, ${left} could not be made`}`;
}

/** An image, or an instance of it, that is not as it shall be (exit code 8). */
export class VerificationError extends PimError {
  override readonly name = "VerificationError";

  /** @param what such as "The image web" */
  constructor(what: string, readonly verification: Verification, hint?: string) {
    super(`${what} is not as it shall be: ${describeVerification(verification)}`, {
      exitCode: exitCode.verification,
      ...(hint !== undefined && { hint }),
    });
  }
}
