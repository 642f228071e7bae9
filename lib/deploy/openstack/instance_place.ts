import type { ImageEntry } from "../../image/entry.ts";
import { DeployError } from "../deploy_error.ts";
import type { Cloud } from "./cloud.ts";
import { type Network, Neutron } from "./neutron.ts";
import { type Flavor, Nova } from "./nova.ts";
import { minDiskGiB } from "./properties.ts";
import type { InstanceSettings } from "./settings.ts";

/** Where an instance is put: what the settings name, as the cloud knows it. */
export interface InstancePlace {
  readonly flavor: Flavor;
  readonly network: Network;
  /** Where its floating IP is from, if it gets one. */
  readonly floating?: Network;
}

/** Finds what the settings name; throws a DeployError for what is not there, or has no room for the image. */
export async function findPlace(
  cloud: Cloud,
  settings: InstanceSettings,
  image?: ImageEntry,
): Promise<InstancePlace> {
  const neutron = new Neutron(cloud);
  const flavor = await findFlavor(new Nova(cloud), settings.flavor);
  if (image !== undefined) requireRoom(flavor, image);
  const network = await findNetwork(neutron, settings.network, "network");
  const { floating_network } = settings;
  if (floating_network === undefined) return { flavor, network };
  return { flavor, network, floating: await findNetwork(neutron, floating_network, "floating_network") };
}

async function findFlavor(nova: Nova, wanted: string): Promise<Flavor> {
  const flavors = await nova.flavors();
  const found = flavors.find(({ id }) => id === wanted) ?? flavors.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = flavors.map(({ name }) => name).sort();
  const known = names.length > maxNamed ? [...names.slice(0, maxNamed), "…"] : names;
  throw new DeployError(`The cloud has no flavor ${wanted} for this project`, {
    hint: `Set flavor in verify_instance to one that it has: ${known.join(", ")}`,
  });
}

const maxNamed = 12;

/** The cloud would say it too, in bytes and without the flavor's name. */
function requireRoom({ name, disk }: Flavor, image: ImageEntry): void {
  const needed = minDiskGiB(image);
  // 0 stands for as much as the image has.
  if (disk === 0 || disk >= needed) return;
  throw new DeployError(
    `Cannot verify ${image.name}: the flavor ${name} has a disk of ${disk} GiB, and the image needs ${needed} GiB`,
    { hint: "Set flavor in verify_instance to a larger one: openstack flavor list" },
  );
}

async function findNetwork(
  neutron: Neutron,
  wanted: string,
  setting: "network" | "floating_network",
): Promise<Network> {
  const [found, another] = await neutron.networks(wanted);
  if (found === undefined) {
    throw new DeployError(`The cloud has no network ${wanted} for this project`, {
      hint: `Set ${setting} in verify_instance to one that it has: openstack network list`,
    });
  }
  if (another === undefined) return found;
  throw new DeployError(`The cloud has several networks with the name ${wanted}`, {
    hint: `Set ${setting} in verify_instance to the id of one of them, such as ${found.id}`,
  });
}
