import { DeployError } from "../deploy_error.ts";
import { type LibvirtSettings, networkOf } from "./settings.ts";
import { type Virsh, virshLine } from "./virsh.ts";

/** The network of libvirt's own that domains are put into; undefined where it is a bridge, the user's or none. */
export function libvirtNetwork(settings: LibvirtSettings): string | undefined {
  const network = networkOf(settings);
  return /^(user|none|bridge:.*)$/.test(network) ? undefined : network;
}

/** Whether a network of libvirt's is active; throws a DeployError when there is none of that name. */
export async function isActiveNetwork(virsh: Virsh, network: string): Promise<boolean> {
  const info = await virsh.askIfThere("net-info", "--network", network);
  if (info !== undefined) return /^Active:\s+yes$/m.test(info);
  throw new DeployError(`There is no network ${network} at ${virsh.uri}`, {
    hint: `Set \`network\` in targets.d to one of: ${virshLine(virsh.uri, "net-list", "--all")}`,
  });
}
