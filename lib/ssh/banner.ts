import type { Socket } from "node:net";
import { abortError, SshError } from "./errors.ts";
import { connectToBanner, type SshAddress } from "./socket.ts";

// QEMU's user network accepts at once and then repeats the guest's SYN after 6, 12, 24 s: a connection made before
// the guest's network was up stays silent long after sshd answers others. So a fresh one is tried beside it.
const freshAfterMs = 500;
const youngMs = 2_000;
const patientMs = 30_000;

const tickMs = 125;

interface Probe {
  readonly startedMs: number;
  readonly abort: AbortController;
}

/** Waits until an SSH server answers at all; throws {@linkcode SshError} of kind "timeout" (exit code 6). */
export async function waitForBanner(
  options: SshAddress & { readonly deadlineMs: number; readonly signal?: AbortSignal },
): Promise<void> {
  let opened = false;
  const socket = await firstBanner(options, performance.now() + options.deadlineMs, () => opened = true);
  if (socket !== undefined) return void socket.destroy();
  const found = opened ? "the port is open, but no SSH server answers" : "nothing answers on the port";
  throw new SshError(
    "timeout",
    `No SSH at ${options.host}:${options.port} within ${options.deadlineMs / 1000} s: ${found}`,
    { hint: "Look at the serial log: the guest may hang while booting, have no network, or have no sshd." },
  );
}

/** The first connection to show a banner, or undefined at the end of the time (of performance.now()). */
export async function firstBanner(
  options: SshAddress & { readonly signal?: AbortSignal },
  endMs: number,
  onOpen: () => void,
): Promise<Socket | undefined> {
  const probes = new Set<Probe>();
  let found: Socket | undefined;
  let wake = () => {};
  const open = () => {
    const probe = { startedMs: performance.now(), abort: new AbortController() };
    probes.add(probe);
    const { host, port } = options;
    connectToBanner({ host, port, timeoutMs: patientMs, signal: probe.abort.signal, onOpen })
      .then((socket) => found === undefined ? found = socket : socket.destroy(), () => {})
      .finally(() => {
        probes.delete(probe);
        if (found !== undefined) wake();
      });
  };
  try {
    while (found === undefined && performance.now() < endMs) {
      if (options.signal?.aborted) throw abortError(options.signal);
      const nowMs = performance.now();
      const [, ...younger] = probes;
      // The oldest stays, for a guest that is slow to answer; the others make room for fresh ones.
      for (const probe of younger) if (nowMs - probe.startedMs > youngMs) probe.abort.abort();
      const youngest = [...probes].at(-1);
      if (youngest === undefined || nowMs - youngest.startedMs >= freshAfterMs) open();
      await pause(tickMs, endMs, options.signal, (waker) => wake = waker);
    }
    return found;
  } catch (error) {
    found?.destroy();
    throw error;
  } finally {
    for (const probe of probes) probe.abort.abort();
  }
}

/** Waits, at most until the end of the time; `onWaker` gets a function that ends the wait early. */
export function pause(
  ms: number,
  endMs: number,
  signal?: AbortSignal,
  onWaker?: (wake: () => void) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", settle);
      if (signal?.aborted) reject(abortError(signal));
      else resolve();
    };
    const timer = setTimeout(settle, Math.max(0, Math.min(ms, endMs - performance.now())));
    signal?.addEventListener("abort", settle);
    onWaker?.(settle);
    if (signal?.aborted) settle();
  });
}
