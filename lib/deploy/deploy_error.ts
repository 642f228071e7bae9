import { exitCode, PimError, type PimErrorOptions } from "../errors.ts";

/** A deployment that failed (exit code 9). */
export class DeployError extends PimError {
  override readonly name = "DeployError";

  constructor(message: string, options: Omit<PimErrorOptions, "exitCode"> = {}) {
    super(message, { exitCode: exitCode.deploy, ...options });
  }
}
