import type { QemuHost } from "./host.ts";
import { type Machine, MachineDiedError, startMachine, type StartMachineOptions } from "./machine.ts";
import type { MachineSpec } from "./machine_spec.ts";

/** A TCP port that is free on 127.0.0.1 now. It may be taken a moment later: see {@linkcode startOnFreePort}. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Whether QEMU ended because a port that it should forward, or show its display on, was taken. */
export function isPortTaken(error: unknown): boolean {
  return error instanceof MachineDiedError &&
    /Could not set up host forwarding rule|Failed to find an available port/.test(error.end.stderr);
}

/**
 * Starts a machine that forwards a free port, and takes another one when somebody was quicker: between finding a free
 * port and QEMU's binding it lies a moment in which anyone can have it.
 */
export async function startOnFreePort(
  host: QemuHost,
  specFor: (hostPort: number) => MachineSpec,
  options: StartMachineOptions & { readonly attempts?: number; readonly findPort?: () => number } = {},
): Promise<{ readonly machine: Machine; readonly hostPort: number }> {
  for (let attempt = options.attempts ?? 5;; attempt--) {
    const hostPort = (options.findPort ?? freePort)();
    try {
      return { machine: await startMachine(host, specFor(hostPort), options), hostPort };
    } catch (error) {
      if (attempt <= 1 || !isPortTaken(error)) throw error;
    }
  }
}
