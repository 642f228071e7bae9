import assert from "node:assert/strict";
import { DeployError } from "../../lib/deploy/deploy_error.ts";

/** What `assert.rejects` wants of a failed deployment: its message, its hint, and the exit code of all of them. */
export function deployFailure(message: RegExp, hint?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DeployError, String(error));
    assert.match(error.message, message);
    if (hint !== undefined) assert.match(error.hint ?? "", hint);
    assert.equal(error.exitCode, 9);
    return true;
  };
}
