import { exitCode, messageOf, PimError } from "../errors.ts";
import { followSerial } from "../qemu/serial.ts";
import type { VmPlaces } from "../vm/places.ts";
import type { StartedVm } from "../vm/start.ts";
import { type WaitFor, waitForGuest } from "../vm/wait.ts";
import type { Answered, ObserveOptions } from "./machine.ts";

/** A VM of this host that was started a moment ago. */
export interface FreshVm {
  readonly places: VmPlaces;
  readonly started: StartedVm;
  /** Of performance.now(). */
  readonly startedMs: number;
}

// What the console says when nothing more will come (Linux, systemd, dracut, initramfs-tools).
const dead =
  /Kernel panic - not syncing|You are in (emergency|rescue) mode|Entering emergency mode|Dropping to a shell|Target filesystem doesn't have|No init found|No bootable device/;

/**
 * Waits until both the guest agent and SSH have answered. When one of them has, the other is not waited for until the
 * deadline but as long again, and at least `graceMs`; when the console tells that the system is dead, neither is.
 */
export async function observe(
  { places, started, startedMs }: FreshVm,
  options: ObserveOptions & { readonly graceMs?: number },
): Promise<{ readonly agent: Answered; readonly ssh: Answered }> {
  const { timeoutMs, signal, graceMs = 45_000 } = options;
  const giveUp = new AbortController();
  const over = new AbortController();
  let why = "";
  const stop = (reason: string) => {
    why = reason;
    giveUp.abort();
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = async (what: WaitFor): Promise<Answered> => {
    try {
      await waitForGuest(places, started, what, {
        timeoutMs,
        signal: AbortSignal.any([signal, giveUp.signal]),
      });
      const afterMs = performance.now() - startedMs;
      const restMs = Math.max(afterMs, graceMs);
      const reason = `no answer within ${Math.round(restMs / 1000)} s after the other one's`;
      timer ??= setTimeout(() => stop(reason), restMs);
      return { afterMs };
    } catch (error) {
      signal.throwIfAborted();
      if (giveUp.signal.aborted) return { missing: why };
      const late = error instanceof PimError && error.exitCode === exitCode.timeout;
      return { missing: late ? `no answer within ${timeoutMs / 1000} s` : messageOf(error) };
    }
  };
  const watching = watchConsole(started.vm.folder.serialLog, over.signal, stop);
  try {
    const [agent, ssh] = await Promise.all([wait("agent"), wait("ssh")]);
    return { agent, ssh };
  } finally {
    clearTimeout(timer);
    over.abort();
    await watching;
  }
}

async function watchConsole(log: string, signal: AbortSignal, stop: (why: string) => void): Promise<void> {
  for await (const line of followSerial(log, { signal })) {
    if (dead.test(line)) return stop(`the console says: ${line.trim()}`);
  }
}
