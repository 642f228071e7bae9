import { firstBanner, pause } from "./banner.ts";
import { SshError } from "./errors.ts";
import { checkAuth } from "./auth.ts";
import type { LoginOptions } from "./login.ts";
import { sessionOver, type SshSession } from "./session.ts";

/** How far a guest has come, in this order. */
export type WaitStage = "waiting for the port" | "port open" | "SSH banner" | "login refused" | "logged in";

const order: readonly WaitStage[] = [
  "waiting for the port",
  "port open",
  "SSH banner",
  "login refused",
  "logged in",
];

/** Options of {@linkcode waitForSsh}. */
export interface WaitOptions extends Omit<LoginOptions, "timeoutMs"> {
  /** Milliseconds from now until the login must have succeeded. */
  readonly deadlineMs: number;
  /** Milliseconds for which refused logins are tried again, as users and keys may appear late; default 30 s. */
  readonly refusedGraceMs?: number;
  /** Called with each new stage. Stages never go back. */
  readonly onStage?: (stage: WaitStage) => void;
}

/**
 * Waits until the guest lets us in. Throws {@linkcode SshError}: kind "timeout" (exit code 6) naming the stage that
 * was reached, kind "auth" when logins stay refused, kind "host-key" at once.
 */
export async function waitForSsh(options: WaitOptions): Promise<SshSession> {
  const endMs = performance.now() + options.deadlineMs;
  let stage: WaitStage | undefined;
  const reach = (next: WaitStage) => {
    if (stage !== undefined && order.indexOf(next) <= order.indexOf(stage)) return;
    stage = next;
    options.onStage?.(next);
  };
  reach("waiting for the port");
  // ssh2 is loaded by this too, while the guest is still booting.
  await checkAuth(options.auth);
  let last: SshError | undefined;
  let refusedSinceMs: number | undefined;
  for (;;) {
    const socket = await firstBanner(options, endMs, () => reach("port open"));
    if (socket === undefined) throw deadlineError(options, stage, last);
    reach("SSH banner");
    try {
      const leftMs = Math.max(1, Math.min(loginTimeoutMs, endMs - performance.now()));
      const session = await sessionOver(socket, { ...options, timeoutMs: leftMs });
      reach("logged in");
      return session;
    } catch (error) {
      if (!(error instanceof SshError) || error.kind === "host-key") throw error;
      last = error;
    }
    const nowMs = performance.now();
    if (last.kind === "auth") {
      reach("login refused");
      refusedSinceMs ??= nowMs;
      if (nowMs - refusedSinceMs >= (options.refusedGraceMs ?? 30_000)) throw stillRefused(last);
    }
    await pause(last.kind === "auth" ? refusedPauseMs : tickMs, endMs, options.signal);
  }
}

// A key exchange takes seconds on an emulated guest that is still booting; a minute means it hangs.
const loginTimeoutMs = 60_000;
// sshd delays and in time blocks those who fail too often.
const refusedPauseMs = 1_000;
const tickMs = 125;
const meanings: Record<WaitStage, string> = {
  "waiting for the port": "nothing answered on the port",
  "port open": "the port was open, but no SSH server answered",
  "SSH banner": "an SSH server answered, but the login did not come to an end",
  "login refused": "the login was refused",
  "logged in": "the login succeeded too late",
};

const hints: Record<WaitStage, string> = {
  "waiting for the port": "Check that the VM is running and that its SSH port is forwarded.",
  "port open": "Look at the serial log: the guest may hang while booting, have no network, or have no sshd.",
  "SSH banner": "The guest may be overloaded or restarting: look at its serial log.",
  "login refused": "Check the user name, and that the guest has this password or key for it.",
  "logged in": "Allow more time.",
};

function deadlineError(
  options: WaitOptions,
  stage: WaitStage = "waiting for the port",
  last: SshError | undefined,
): SshError {
  const where = `${options.username}@${options.host}:${options.port}`;
  const detail = last === undefined ? "" : `. Last: ${last.message}`;
  return new SshError(
    "timeout",
    `No SSH login as ${where} within ${seconds(options.deadlineMs)}: ${meanings[stage]}${detail}`,
    { hint: hints[stage], cause: last },
  );
}

function stillRefused(last: SshError): SshError {
  return new SshError("auth", `${last.message}, and it stayed so`, { hint: last.hint, cause: last });
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}
