import { messageOf } from "../errors.ts";
import { log } from "../log.ts";

/** What went wrong first. What went wrong while undoing, after that, is only told. */
export function firstError(error: unknown): unknown {
  if (!(error instanceof SuppressedError)) return error;
  log.warn(`Not everything could be cleaned up: ${messageOf(error.error)}`);
  return firstError(error.suppressed);
}
