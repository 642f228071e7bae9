import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, PimError } from "../errors.ts";
import { log } from "../log.ts";
import type { AgentClient } from "./agent.ts";
import { setGuestTime } from "./agent_commands.ts";
import { programExit, startProgram } from "./agent_exec.ts";
import { writeGuestFile } from "./agent_files.ts";
import { QmpCommandError } from "./qmp_error.ts";

/** What a guest that runs on from a saved state cannot know. */
export interface RefreshRequest {
  /** Milliseconds since 1970. */
  readonly timeMs: number;
  /** Random bytes that no other guest of the same state gets. */
  readonly seed: Uint8Array;
  readonly signal?: AbortSignal;
  /** Default 30 000. */
  readonly timeoutMs?: number;
}

// Its $1 is the time in seconds with a fraction, which not every date takes. What is written to /dev/urandom counts only
// at the next reseeding, up to a minute later; RNDRESEEDCRNG (linux/random.h) is that at once. A kernel that knows QEMU's
// generation id has done it by itself; Debian 12's for clouds does not.
const refresh = `
date -u -s "@$1" || date -u -s "@\${1%.*}" || exit
cat > /dev/urandom
set -- /sys/bus/*/drivers/vmgenid
[ -e "$1" ] || perl -e 'ioctl STDOUT, 0x5207, 0' > /dev/urandom || true
`;

/**
 * Sets the clock of a guest that runs on from a saved state, and parts its random numbers from those of all others of
 * that state. Slower where the agent may not run programs: the hardware clock is written then too, on the next second.
 */
export async function refreshGuest(agent: AgentClient, request: RefreshRequest): Promise<void> {
  try {
    await runRefresh(agent, request);
  } catch (error) {
    if (!(error instanceof QmpCommandError || error instanceof RefreshError)) throw error;
    log.debug(`The guest's clock is set another way: ${messageOf(error)}`);
    const { signal } = request;
    await setGuestTime(agent, request.timeMs, { signal });
    await writeGuestFile(agent, "/dev/urandom", request.seed, { signal });
  }
}

class RefreshError extends PimError {
  override readonly name = "RefreshError";
}

async function runRefresh(agent: AgentClient, request: RefreshRequest): Promise<void> {
  const { timeMs, seed: stdin, signal, timeoutMs = 30_000 } = request;
  const endMs = performance.now() + timeoutMs;
  const argv = ["/bin/sh", "-c", refresh, "sh", (timeMs / 1000).toFixed(3)];
  const pid = await startProgram(agent, { argv, stdin });
  for (let pauseMs = 10;; pauseMs = Math.min(pauseMs * 2, 200)) {
    const exit = await programExit(agent, pid, signal);
    if (exit?.code === 0) return;
    if (exit !== undefined) throw new RefreshError(new TextDecoder().decode(exit.stderr).trim());
    if (performance.now() > endMs) throw new RefreshError(`date did not end within ${timeoutMs / 1000} s`);
    await sleep(pauseMs);
  }
}
