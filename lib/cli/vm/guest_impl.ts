import { PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { awaitAddress, type GuestNetwork, guestNetwork } from "../../vm/guest/guest_address.ts";
import { guestFacts } from "../../vm/guest/guest_facts.ts";
import { findRunningVm, type RunningVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import type { Ahead } from "./ahead.ts";
import type { IpFlags } from "./guest.ts";
import type { AgentFlags } from "./parameters.ts";

/** `pim ip VM` */
export async function ip(
  this: PimContext,
  { dirs, channel }: Ahead,
  flags: IpFlags,
  name: string,
): Promise<void> {
  const { signal } = this;
  const vm = await findRunningVm(dirs, name);
  const timeoutMs = (flags.timeout ?? (flags.wait ? 300 : 5)) * 1000;
  const network = flags.wait
    ? await awaitAddress(dirs, vm, { timeoutMs, signal, channel })
    : await guestNetwork(dirs, vm, { timeoutMs, signal, channel });
  if (flags.first) return this.print(first(vm, network, flags.json));
  const interfaces = network.interfaces.filter((each) => !isLoopback(each));
  if (flags.json) return this.print(JSON.stringify(interfaces, null, 2));
  this.print(table(
    ["INTERFACE", "ADDRESS", "MAC"],
    interfaces.flatMap(({ name, addresses, hardwareAddress = "" }) => {
      const shown = addresses.map(({ address, prefix }) => `${address}/${prefix}`);
      return (shown.length === 0 ? ["none"] : shown).map((address) => [name, address, hardwareAddress]);
    }),
  ));
  tellForwards(vm);
}

function first({ name }: RunningVm, { address }: GuestNetwork, json: boolean): string {
  if (address !== undefined) return json ? JSON.stringify({ address }) : address;
  throw new PimError(`${name} has no address yet that others can reach`, {
    hint: `Wait for one: pim ip ${name} --wait --first`,
  });
}

function isLoopback({ addresses, name }: GuestNetwork["interfaces"][number]): boolean {
  const local = addresses.filter(({ address }) => /^(127\.|::1$)/.test(address));
  return addresses.length === 0 ? name === "lo" : local.length === addresses.length;
}

/** QEMU's user network is the guest's own: its addresses lead nowhere from outside. */
function tellForwards({ name, record }: RunningVm): void {
  if (record?.definition.network.kind !== "user") return;
  const ports = record.forwards.map(({ hostPort, guestPort, protocol }) =>
    `127.0.0.1:${hostPort} for its port ${guestPort}/${protocol}`
  );
  const reached = ports.length === 0 ? "no port of it is forwarded" : `it is reached at ${ports.join(", ")}`;
  log.info(`note: ${name} is in a network of its own; from this host ${reached}`);
}

/** `pim os VM` */
export async function os(
  this: PimContext,
  { dirs, channel }: Ahead,
  flags: JsonFlags & AgentFlags,
  name: string,
): Promise<void> {
  const vm = await findRunningVm(dirs, name);
  const timeoutMs = (flags.timeout ?? 5) * 1000;
  const facts = await guestFacts(dirs, vm, { timeoutMs, signal: this.signal, channel });
  if (flags.json) return this.print(JSON.stringify(facts, null, 2));
  const { prettyName, versionId, kernelRelease, machine, hostName, users } = facts;
  const rows = [
    ["system", prettyName ?? facts.name],
    ["version", versionId],
    ["kernel", kernelRelease],
    ["machine", machine],
    ["host name", hostName],
    ["users", users && ([...new Set(users.map((user) => user.name))].join(", ") || "none")],
  ].flatMap(([what = "", value]) => value === undefined ? [] : [[what, value]]);
  this.print(table(["WHAT", "VALUE"], rows));
}
