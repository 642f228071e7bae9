import { guestHost } from "./server.ts";

/** The part of Deno's description of a network interface that is needed here. */
export interface InterfaceAddress {
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
}

/** Whether an address is reached from this host only. */
export function isLoopback(address: string): boolean {
  return address === "localhost" || address === "::1" || address.startsWith("127.");
}

/**
 * The addresses under which installers reach a server that is bound to `bind`: guests of QEMU's user network find
 * loopback at 10.0.2.2; a server on all addresses is found at each address of this host.
 */
export function reachableHosts(bind: string, interfaces: readonly InterfaceAddress[]): string[] {
  if (isLoopback(bind)) return [guestHost];
  if (bind !== "0.0.0.0" && bind !== "::") return [bind];
  const hosts = interfaces
    .filter(({ family, address }) => family === "IPv4" && !isLoopback(address))
    .map(({ address }) => address);
  return hosts.length > 0 ? hosts : [guestHost];
}
