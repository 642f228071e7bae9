import { CancelledError, exitCode, messageOf, PimError } from "../../errors.ts";
import { MachineDiedError } from "../../qemu/machine.ts";
import { SshError } from "../../ssh/errors.ts";
import { ScriptError } from "../guest/script.ts";
import { DiagnosedError, type Reason, type ReasonCode } from "./reason.ts";

/** The reason that an error stands for: the one that was found, or what kind of error it is. */
export function reasonOf(error: unknown): Reason {
  if (error instanceof DiagnosedError) return error.reason;
  const known = error instanceof PimError ? error : undefined;
  const full = isFullDisk(error);
  const hint = full
    ? "Make room on this host: pim build prune and pim build clean remove what is not needed."
    : undefined;
  return {
    code: full ? "disk-full" : codeOf(error),
    // The lines that some messages end in are in the logs.
    summary: messageOf(error).split("\n")[0] ?? "",
    ...((known?.hint ?? hint) !== undefined && { hint: known?.hint ?? hint }),
    exitCode: known?.exitCode ?? exitCode.failure,
    final: true,
  };
}

function codeOf(error: unknown): ReasonCode {
  if (error instanceof CancelledError) return "cancelled";
  if (error instanceof MachineDiedError) {
    const { code, signal } = error.end;
    return code === 0 && signal === null ? "guest-powered-off" : "qemu-died";
  }
  if (error instanceof ScriptError) return error.timedOut ? "script-timeout" : "script-failed";
  if (error instanceof SshError) return error.kind === "auth" ? "login-refused" : "no-ssh";
  if (!(error instanceof PimError)) return "failed";
  if (error.name === "PowerOffError") return "power-off-refused";
  return error.exitCode === exitCode.verification ? "verification-failed" : "failed";
}

/** Whether this host had no room to write, by the words of the system or of a program (ENOSPC is 28 on Linux and macOS). */
function isFullDisk(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (!(each instanceof ScriptError) && /No space left on device|\bos error 28\b/.test(each.message)) {
      return true;
    }
  }
  return false;
}
