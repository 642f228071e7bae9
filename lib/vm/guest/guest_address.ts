import { exitCode, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { type GuestInterface, guestInterfaces } from "../../qemu/agent_commands.ts";
import { AgentBusyError } from "./agent_channel.ts";
import { explainRefusal } from "./agent_refusal.ts";
import { AgentMissingError, type AgentTalkOptions, withAgent } from "../monitor.ts";
import { pause, seconds } from "../pause.ts";
import type { VmDirs } from "../places.ts";
import { inspectVm, isRunning, type RunningVm } from "../vms.ts";

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
  const { address } = await awaitAddress(dirs, vm, limits);
  return address;
}

/** What a guest's agent tells of its network. */
export interface GuestNetwork {
  readonly interfaces: readonly GuestInterface[];
  /** {@linkcode reachableAddress} of these interfaces. */
  readonly address: string | undefined;
}

/** The network of a guest as it is now. */
export async function guestNetwork(
  dirs: VmDirs,
  vm: RunningVm,
  options: AgentTalkOptions,
): Promise<GuestNetwork> {
  const { signal } = options;
  const interfaces = await withAgent(dirs, vm, (agent) => guestInterfaces(agent, { signal }), options)
    .catch((error) => {
      throw explainRefusal(error, vm.name);
    });
  return { interfaces, address: reachableAddress(interfaces, vm.definition?.macAddress) };
}

/** The network of a guest as soon as others can reach it; asks its agent in turns, so that others can ask it too. */
export async function awaitAddress(
  dirs: VmDirs,
  vm: RunningVm,
  limits: WaitLimits & Pick<AgentTalkOptions, "channel">,
): Promise<GuestNetwork & { readonly address: string }> {
  const { timeoutMs, signal, channel } = limits;
  const endMs = performance.now() + timeoutMs;
  let missing: PimError | undefined;
  for (let attempt = 1;; attempt++) {
    const leftMs = Math.max(1, endMs - performance.now());
    try {
      const network = await guestNetwork(dirs, vm, {
        timeoutMs: Math.min(leftMs, askMs),
        turnMs: leftMs,
        signal,
        channel,
      });
      const { address } = network;
      missing = undefined;
      if (address !== undefined) return { ...network, address };
    } catch (error) {
      if (!(error instanceof AgentMissingError || error instanceof AgentBusyError)) throw error;
      await refuseEnded(dirs, vm, error);
      // That another pim was asking it too says less than what it asked.
      if (missing === undefined || error instanceof AgentMissingError) missing = error;
    }
    if (performance.now() >= endMs) throw noAddress(vm, timeoutMs, missing);
    if (attempt === 1) log.info(`Waiting for an address of ${vm.name}`);
    await pause(200, signal);
  }
}

const askMs = 2000;

async function refuseEnded(dirs: VmDirs, { name }: RunningVm, cause: PimError): Promise<void> {
  if (isRunning(await inspectVm(dirs, name))) return;
  throw new PimError(`The VM ${name} ended before it had an address`, {
    cause,
    hint: `See: pim log ${name}`,
  });
}

function noAddress({ name }: RunningVm, timeoutMs: number, missing: PimError | undefined): PimError {
  const within = `within ${seconds(timeoutMs)}`;
  if (missing === undefined) {
    return new PimError(`${name} has had no address in its network ${within}`, {
      hint: `See what its interfaces have: pim ip ${name}; its network may give out no addresses (DHCP)`,
      exitCode: exitCode.timeout,
    });
  }
  const { message, hint } = missing;
  return new PimError(`${name} told of no address ${within}. ${message}`, {
    cause: missing,
    hint,
    exitCode: exitCode.timeout,
  });
}

/**
 * The address at which others reach a guest: of the card with this MAC address, since the guest may have bridges of its
 * own; IPv4 before IPv6; none that is valid on one link only.
 */
export function reachableAddress(interfaces: readonly GuestInterface[], mac?: string): string | undefined {
  const ours = interfaces.filter(({ hardwareAddress = "" }) => hardwareAddress.toLowerCase() === mac);
  const addresses = (ours.length > 0 ? ours : interfaces)
    .flatMap((each) => each.addresses)
    .filter(({ address }) => !/^(0\.|127\.|169\.254\.|::1?$|fe[89ab])/i.test(address));
  return (addresses.find(({ family }) => family === "ipv4") ?? addresses[0])?.address;
}
