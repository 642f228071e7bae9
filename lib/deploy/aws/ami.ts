import type { BootModeValues, Image } from "@aws-sdk/client-ec2";
import type { ImageEntry } from "../../image/entry.ts";
import { pause } from "../../vm/pause.ts";
import { DeployError } from "../deploy_error.ts";
import type { ActionContext, DeployImage } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import { markedSha256, marks } from "./marks.ts";

/** An AMI of this account. */
export interface Ami {
  readonly id: string;
  readonly name: string;
  /** "available", "pending", "failed", … */
  readonly state: string;
  /** SHA-256 of the image it was made from, where pim has made it. */
  readonly sha256?: string;
  readonly snapshots: readonly string[];
}

/** The AMI of this account that has a name. */
export async function findAmi(cloud: Cloud, name: string): Promise<Ami | undefined> {
  const { Images } = await cloud.ask(
    `look for an AMI ${name}`,
    (options) =>
      cloud.ec2.describeImages({ Owners: ["self"], Filters: [{ Name: "name", Values: [name] }] }, options),
  );
  return Images?.map(toAmi)[0];
}

/** The AMI with an id, or undefined when it is not there. */
export async function getAmi(cloud: Cloud, id: string): Promise<Ami | undefined> {
  const answer = await cloud.ask(
    `look at the AMI ${id}`,
    (options) =>
      cloud.ec2.describeImages({ ImageIds: [id] }, options).catch((error) => {
        if (isAwsError(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) return undefined;
        throw error;
      }),
  );
  return answer?.Images?.map(toAmi).find(({ state }) => state !== "deregistered");
}

function toAmi({ ImageId = "", Name = "", State, Tags, BlockDeviceMappings = [] }: Image): Ami {
  const sha256 = markedSha256(Tags);
  return {
    ...{ id: ImageId, name: Name, state: State ?? "" },
    ...(sha256 !== undefined && { sha256 }),
    snapshots: BlockDeviceMappings.flatMap(({ Ebs }) =>
      Ebs?.SnapshotId === undefined ? [] : [Ebs.SnapshotId]
    ),
  };
}

/** How EC2 has to start an image: by the firmware it was installed with, for which alone it has a boot loader. */
export function bootMode(firmware: ImageEntry["firmware"]): BootModeValues {
  return firmware === "uefi" ? "uefi" : "legacy-bios";
}

/** The name of an architecture in EC2's words. */
export function ec2Architecture(architecture: ImageEntry["architecture"]): "x86_64" | "arm64" {
  return architecture === "amd64" ? "x86_64" : "arm64";
}

/** Makes an AMI of a snapshot, writes it down and waits until it can be launched. */
export async function registerAmi(
  cloud: Cloud,
  { name, snapshot, image }: {
    readonly name: string;
    readonly snapshot: string;
    readonly image: DeployImage;
  },
  context: ActionContext,
): Promise<string> {
  const { entry } = image;
  const registered = await cloud.ask(`register the AMI ${name}`, (options) =>
    cloud.ec2.registerImage({
      ...{ Name: name, Description: `pim: ${entry.name}`, Architecture: ec2Architecture(entry.architecture) },
      ...{ VirtualizationType: "hvm", EnaSupport: true, BootMode: bootMode(entry.firmware) },
      // IMDSv2 only: without it, a request forged on an instance can read its credentials.
      ImdsSupport: "v2.0",
      RootDeviceName: rootDevice,
      BlockDeviceMappings: [{
        DeviceName: rootDevice,
        Ebs: { SnapshotId: snapshot, VolumeType: "gp3", DeleteOnTermination: true },
      }],
      TagSpecifications: [{ ResourceType: "image", Tags: marks(image) }],
    }, options)).catch(async (error) => {
      // Ours, when the answer to the first try was lost.
      const ami = isAwsError(error, "InvalidAMIName.Duplicate") ? await findAmi(cloud, name) : undefined;
      if (ami?.snapshots.includes(snapshot)) return { ImageId: ami.id };
      throw error;
    });
  const { ImageId } = registered;
  if (ImageId === undefined) throw new DeployError(`Cannot register the AMI ${name}: EC2 named none`);
  await context.made({ image: ImageId });
  await awaitAmi(cloud, ImageId, context.signal);
  return ImageId;
}

const rootDevice = "/dev/xvda";

/** Waits until an AMI can be launched. */
export async function awaitAmi(cloud: Cloud, id: string, signal: AbortSignal): Promise<void> {
  for (let waitMs = 300, unknown = 0;; waitMs = Math.min(waitMs * 1.5, 15_000)) {
    const state = (await getAmi(cloud, id))?.state;
    if (state === "available") return;
    // Right after it was registered, EC2 may not know it everywhere.
    if (state === undefined && ++unknown < 8) {
      await pause(waitMs, signal);
      continue;
    }
    if (state === undefined || !["pending", "transient"].includes(state)) {
      throw new DeployError(`Cannot use the AMI ${id}: it is ${state ?? "not there"}`, {
        hint: "Remove it with pim deploy remove, then deploy the image again.",
      });
    }
    await pause(waitMs, signal);
  }
}

async function launchAccounts(cloud: Cloud, id: string): Promise<readonly string[]> {
  const { LaunchPermissions } = await cloud.ask(
    `ask who may launch ${id}`,
    (options) => cloud.ec2.describeImageAttribute({ ImageId: id, Attribute: "launchPermission" }, options),
  );
  return LaunchPermissions?.flatMap(({ UserId }) => UserId ?? []) ?? [];
}

/** Those of the wanted accounts that may not launch an AMI yet: all of them where there is none. */
export async function missingAccounts(
  cloud: Cloud,
  id: string | undefined,
  wanted: readonly string[],
): Promise<readonly string[]> {
  if (id === undefined || wanted.length === 0) return wanted;
  const allowed = await launchAccounts(cloud, id);
  return wanted.filter((account) => !allowed.includes(account));
}

/** Lets accounts launch an AMI. */
export async function letLaunch(cloud: Cloud, id: string, accounts: readonly string[]): Promise<void> {
  await cloud.ask(
    `let ${accounts.join(", ")} launch ${id}`,
    (options) =>
      cloud.ec2.modifyImageAttribute({
        ...{ ImageId: id, Attribute: "launchPermission" },
        LaunchPermission: { Add: accounts.map((UserId) => ({ UserId })) },
      }, options),
  );
}

/** Deregisters an AMI; one that is gone already is no error. */
export async function deregisterAmi(cloud: Cloud, id: string): Promise<void> {
  await cloud.ask(
    `deregister the AMI ${id}`,
    (options) =>
      cloud.ec2.deregisterImage({ ImageId: id }, options).catch((error) => {
        if (!isAwsError(error, "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")) throw error;
      }),
  );
}
