import { log } from "../../log.ts";
import { DeployError } from "../deploy_error.ts";
import type { Action, ActionContext, Ids } from "../target.ts";
import { type Ami, awaitAmi, deregisterAmi, findAmi, getAmi, letLaunch, missingAccounts } from "./ami.ts";
import type { Cloud } from "./cloud.ts";
import { marks } from "./marks.ts";
import { takenAmi } from "./name.ts";
import type { Work } from "./plan.ts";
import { removeSnapshot } from "./snapshot.ts";

const idOf = (region: string) => `image:${region}`;
const snapshotOf = (region: string) => `snapshot:${region}`;
const replacedIn = (region: string) => `replacedSnapshots:${region}`;
const listOf = (ids: string | undefined) => ids?.split(" ") ?? [];

/** What is to be done in a region that the AMI is copied to: nothing when all is there. */
export async function copyActions(
  cloud: Cloud,
  { cloud: source, image, name, settings }: Work,
  { force, ids }: { readonly force: boolean; readonly ids: Ids },
): Promise<readonly Action[]> {
  const { region } = cloud;
  const ami = await findAmi(cloud, name);
  const taken = takenAmi(ami, { image, force, region, known: ids[idOf(region)] });
  const accounts = await missingAccounts(cloud, taken?.id, settings.launch_accounts);
  const isDone = taken?.state === "available" && ids[idOf(region)] === taken.id && accounts.length === 0 &&
    ids[replacedIn(region)] === undefined;
  if (isDone) return [];
  const copied = taken === undefined ? `copy the AMI to ${region}` : `take ${taken.id} in ${region}`;
  const shared = accounts.length === 0 ? "" : ` and let ${accounts.join(", ")} launch it`;
  const place = taken === undefined && ami !== undefined ? ` in the place of ${ami.id}` : "";
  return [{
    phase: "register",
    text: `${copied}${place}${shared}`,
    async run(context) {
      if (taken === undefined && ami !== undefined) await replace(cloud, ami, context);
      const id = taken?.id ?? await copy(cloud, source, { name, image, settings }, context);
      await context.made({ [idOf(region)]: id });
      await awaitAmi(cloud, id, context.signal);
      const [snapshot] = (await getAmi(cloud, id))?.snapshots ?? [];
      if (snapshot !== undefined) await context.made({ [snapshotOf(region)]: snapshot });
      if (accounts.length > 0) await letLaunch(cloud, id, accounts);
      for (const old of listOf(context.ids[replacedIn(region)])) {
        await removeSnapshot(cloud, old, context.signal);
      }
      await context.made({ [replacedIn(region)]: "" });
      log.info(`${id} can be launched in ${region}`);
    },
  }];
}

async function copy(
  cloud: Cloud,
  source: Cloud,
  { name, image, settings }: Pick<Work, "name" | "image" | "settings">,
  { ids }: ActionContext,
): Promise<string> {
  const what = `copy the AMI ${name} to ${cloud.region}`;
  const { image: sourceId } = ids;
  if (sourceId === undefined) throw new DeployError(`Cannot ${what}: there is none in ${source.region}`);
  const { ImageId } = await cloud.ask(what, (options) =>
    cloud.ec2.copyImage({
      ...{ Name: name, Description: `pim: ${image.entry.name}`, SourceImageId: sourceId },
      SourceRegion: source.region,
      // The same request is the same copy, whether its answer has arrived or not.
      ClientToken: `${sourceId}-${cloud.region}`,
      ...(settings.encrypted && { Encrypted: true }),
      TagSpecifications: [
        { ResourceType: "image", Tags: marks(image) },
        { ResourceType: "snapshot", Tags: marks(image) },
      ],
    }, options));
  if (ImageId === undefined) throw new DeployError(`Cannot ${what}: EC2 named none`);
  return ImageId;
}

/** Makes the name free. The snapshots are written down first: once the AMI is gone, nothing names them. */
async function replace(cloud: Cloud, { id, snapshots }: Ami, { ids, made }: ActionContext): Promise<void> {
  const key = replacedIn(cloud.region);
  await made({ [key]: [...new Set([...listOf(ids[key]), ...snapshots])].join(" ") });
  await deregisterAmi(cloud, id);
}

/** Whether every copy is as it should be. */
export async function copiesAreThere(
  clouds: readonly Cloud[],
  { ids, sha256, accounts }: {
    readonly ids: Ids;
    readonly sha256: string;
    readonly accounts: readonly string[];
  },
): Promise<boolean> {
  for (const cloud of clouds) {
    const id = ids[idOf(cloud.region)];
    const ami = id === undefined ? undefined : await getAmi(cloud, id);
    if (ami?.sha256 !== sha256 || ami.state !== "available") return false;
    if ((await missingAccounts(cloud, ami.id, accounts)).length > 0) return false;
  }
  return true;
}

/** Removes all copies that are written down, with their snapshots. */
export async function removeCopies(
  open: (region: string) => Promise<Cloud>,
  ids: Ids,
  signal: AbortSignal,
): Promise<void> {
  const regions = Object.keys(ids).filter((key) => key.includes(":")).map((key) => key.replace(/^.*:/, ""));
  for (const region of new Set(regions)) {
    const cloud = await open(region);
    const id = ids[idOf(region)];
    const ami = id === undefined ? undefined : await getAmi(cloud, id);
    if (ami !== undefined) await deregisterAmi(cloud, ami.id);
    const snapshots = [
      ...[...ami?.snapshots ?? [], ...listOf(ids[snapshotOf(region)])],
      ...listOf(ids[replacedIn(region)]),
    ];
    for (const each of new Set(snapshots)) await removeSnapshot(cloud, each, signal);
  }
}
