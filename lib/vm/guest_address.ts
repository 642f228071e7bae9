import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, exitCode, PimError } from "../errors.ts";
import { log } from "../log.ts";
import { type GuestInterface, guestInterfaces } from "../qemu/agent_commands.ts";
import { withAgent } from "./monitor.ts";
import type { VmDirs } from "./places.ts";
import type { RunningVm } from "./vms.ts";

/** Limits of waiting for a guest. */
export interface WaitLimits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The address of a guest in the host's network, as its agent tells; waits until there is one. */
export async function awaitGuestAddress(
  dirs: VmDirs,
  vm: RunningVm,
  limits: WaitLimits,
): Promise<string> {
  const { timeoutMs, signal } = limits;
  const endMs = performance.now() + timeoutMs;
  const mac = vm.definition?.macAddress;
  for (let attempt = 1;; attempt++) {
    const leftMs = Math.max(1, endMs - performance.now());
    const interfaces = await withAgent(dirs, vm, (agent) => guestInterfaces(agent, { signal }), {
      timeoutMs: leftMs,
      signal,
    });
    const address = reachableAddress(interfaces, mac);
    if (address !== undefined) return address;
    if (performance.now() > endMs) {
      throw new PimError(`${vm.name} has had no address in the host's network within ${timeoutMs / 1000} s`, {
        hint: `See what its interfaces have: pim ip ${vm.name}; its network may give out no addresses (DHCP)`,
        exitCode: exitCode.timeout,
      });
    }
    if (attempt === 1) log.info(`Waiting for an address of ${vm.name}`);
    await sleep(500, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}

/**
 * The address at which others reach a guest: of the card with this MAC address, since the guest may have bridges of its
 * own; IPv4 before IPv6; none that is valid on one link only.
 */
export function reachableAddress(interfaces: readonly GuestInterface[], mac?: string): string | undefined {
  const ours = interfaces.filter(({ hardwareAddress }) => hardwareAddress?.toLowerCase() === mac);
  const addresses = (ours.length > 0 ? ours : interfaces)
    .flatMap((each) => each.addresses)
    .filter(({ address }) => !/^(0\.|127\.|169\.254\.|::1?$|fe[89ab])/i.test(address));
  return (addresses.find(({ family }) => family === "ipv4") ?? addresses[0])?.address;
}
