import { pause, seconds } from "../../vm/pause.ts";
import { DeployError } from "../deploy_error.ts";
import type { Cloud } from "./cloud.ts";
import { Neutron } from "./neutron.ts";
import { Nova } from "./nova.ts";

const goneMs = 100_000;
const askEveryMs = 500;

/** Removes the server of this name, if it is one that pim has made, and its floating IP, and waits until it is gone. */
export async function removeInstance(cloud: Cloud, name: string): Promise<void> {
  const nova = new Nova(cloud);
  const found = (await nova.named(name)).filter(({ metadata }) => metadata.pim_instance === name);
  await new Neutron(cloud).giveFloatingIpsBack(name);
  for (const { id } of found) await nova.remove(id);
  const endMs = performance.now() + goneMs;
  for (const { id } of found) {
    for (let status; (status = await statusOf(nova, id)) !== undefined;) {
      if (performance.now() > endMs) throw stillThere(name, id, status);
      await pause(askEveryMs, cloud.options.signal);
    }
  }
}

/** The status of a server that is there; one that is only kept for a change of mind is gone. */
async function statusOf(nova: Nova, id: string): Promise<string | undefined> {
  const { status } = await nova.find(id) ?? {};
  return status === "DELETED" || status === "SOFT_DELETED" ? undefined : status;
}

function stillThere(name: string, id: string, status: string): DeployError {
  return new DeployError(
    `The server ${name} is still there, in the state ${status}, ${seconds(goneMs)} after it was told to go`,
    { hint: `Look at it, and remove it by hand: openstack server show ${id}` },
  );
}
