import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import type { SshInstance } from "../../verify/ssh_instance.ts";
import { throwawayLogin } from "../../verify/throwaway_login.ts";
import { deploying } from "../api_failure.ts";
import { DeployError } from "../deploy_error.ts";
import type { Deployed, InstanceContext } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { findPlace } from "./instance_place.ts";
import { makeServer } from "./make_server.ts";
import { Neutron } from "./neutron.ts";
import { Nova, type Server } from "./nova.ts";
import { removeInstance } from "./remove_instance.ts";
import type { InstanceSettings } from "./settings.ts";

const undoMs = 120_000;

/** Starts a server from a deployed image, and waits until the cloud has made it; its system is still coming up then. */
export async function startInstance(
  cloud: Cloud,
  settings: InstanceSettings,
  { entry }: Deployed,
  { ids: { image = "" }, made, signal }: InstanceContext,
): Promise<SshInstance> {
  const place = await findPlace(cloud, settings, entry);
  const login = await throwawayLogin();
  // A server gives its name to its system: no dots, and 63 characters at most.
  const readable = entry.name.replaceAll(/[^A-Za-z0-9]+/g, "-").slice(0, 40);
  const name = `pim-verify-${readable}-${crypto.randomUUID().slice(0, 8)}`;
  await made({ instance: name });
  const remove = async () => {
    // What is cancelled is cleared away all the same.
    await removeInstance(cloud.within(AbortSignal.timeout(undoMs)), name);
    await made({ instance: "" });
  };
  try {
    const nova = new Nova(cloud);
    const id = await makeServer(nova, { name, image, userData: login.userData }, place, settings, signal);
    const floating = place.floating && await takeFloatingIp(new Neutron(cloud), place.floating.id, id, name);
    const server = () => deploying(`look at the server ${name}`, () => nova.find(id));
    return {
      ...{ name, startedMs: performance.now(), login },
      async address() {
        const host = floating ?? addressOf(await server());
        return host === undefined ? undefined : { host, port: settings.ssh_port };
      },
      isRunning: async () => !ended.includes((await server())?.status ?? "DELETED"),
      [Symbol.asyncDispose]: () => deploying(`remove the server ${name}`, remove),
    };
  } catch (error) {
    await remove().catch((left) => log.warn(`The server ${name} could not be removed: ${messageOf(left)}`));
    throw error;
  }
}

async function takeFloatingIp(
  neutron: Neutron,
  networkId: string,
  serverId: string,
  name: string,
): Promise<string> {
  const [port] = await neutron.portsOf(serverId);
  if (port === undefined) throw new DeployError(`The server ${name} has no port for a floating IP`);
  return await deploying(
    `give the server ${name} a floating IP`,
    () => neutron.takeFloatingIp(networkId, port, name),
    ({ status }) => {
      if (status === 404) return "A router has to join network and floating_network: openstack router list";
      if (status === 409) return "The quota or the pool may be used up: openstack floating ip list";
      return undefined;
    },
  );
}

// Any other status is that of a server which is made, runs, or comes back by itself.
const ended = ["DELETED", "SOFT_DELETED", "ERROR", "SHUTOFF", "SHELVED", "SHELVED_OFFLOADED"];

/** The address that others are meant to use: a floating one before a fixed one, IPv4 before IPv6. */
function addressOf(server: Server | undefined): string | undefined {
  const all = Object.values(server?.addresses ?? {}).flat();
  const rank = ({ version, "OS-EXT-IPS:type": type }: typeof all[number]) =>
    (type === "floating" ? 0 : 2) + (version === 4 ? 0 : 1);
  return all.sort((a, b) => rank(a) - rank(b))[0]?.addr;
}
