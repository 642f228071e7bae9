import { dirname } from "node:path";
import { messageOf } from "../errors.ts";
import { DeployError } from "./deploy_error.ts";

/** What is thrown when a file or a bundle of this host cannot be written, with what to do where it is full. */
export function writeError(path: string, cause: unknown): DeployError {
  const hint = isFull(cause) ? `Make room there: df ${dirname(path)}` : undefined;
  return new DeployError(`Cannot write ${path}: ${messageOf(cause)}`, { cause, hint });
}

/** Whether there is no room, or none left for this user. */
function isFull(cause: unknown): boolean {
  return ["ENOSPC", "EDQUOT"].includes(String((cause as { code?: unknown } | undefined)?.code));
}
