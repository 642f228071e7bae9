import type { Instance, RunInstancesRequest, Tag } from "@aws-sdk/client-ec2";
import type { ImageEntry } from "../../image/entry.ts";
import { pause } from "../../vm/pause.ts";
import { DeployError } from "../deploy_error.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";
import type { InstanceSettings } from "./instance_settings.ts";
import { markedSha256 } from "./marks.ts";

/** An instance of this account. */
export interface Ec2Instance {
  readonly id: string;
  /** "pending", "running", "shutting-down", "terminated", … */
  readonly state: string;
  /** Why it is in that state, where EC2 says so: "Client.InstanceInitiatedShutdown", and in words. */
  readonly reason: { readonly code: string; readonly text: string };
  readonly addresses: Readonly<Record<InstanceSettings["address"], string | undefined>>;
}

/** What an instance is made of. */
export interface Launch {
  /** Its AMI. */
  readonly image: string;
  readonly architecture: ImageEntry["architecture"];
  readonly userData: string;
  /** The same request with the same token is the same instance, whether its answer has arrived or not. */
  readonly token: string;
  readonly tags: readonly Tag[];
}

/** Starts an instance that is gone as soon as it is shut down; returns its id. */
export async function runInstance(cloud: Cloud, settings: InstanceSettings, launch: Launch): Promise<string> {
  const what = `start an instance of ${launch.image}`;
  const { Instances } = await cloud.ask(
    what,
    (options) => cloud.ec2.runInstances(runRequest(settings, launch), options),
  );
  const id = Instances?.[0]?.InstanceId;
  if (id === undefined) throw new DeployError(`Cannot ${what}: EC2 named none`);
  return id;
}

/** What EC2 is asked for an instance. */
export function runRequest(
  { subnet, security_group, type, address }: InstanceSettings,
  { image, architecture, userData, token, tags }: Launch,
): RunInstancesRequest {
  return {
    ...{ ImageId: image, MinCount: 1, MaxCount: 1, ClientToken: token, UserData: btoa(userData) },
    InstanceType: (type ?? usualTypes[architecture]) as RunInstancesRequest["InstanceType"],
    NetworkInterfaces: [{
      ...{ DeviceIndex: 0, SubnetId: subnet, Groups: [security_group] },
      ...{ AssociatePublicIpAddress: address === "public", DeleteOnTermination: true },
    }],
    MetadataOptions: { HttpTokens: "required", HttpEndpoint: "enabled" },
    InstanceInitiatedShutdownBehavior: "terminate",
    TagSpecifications: (["instance", "volume", "network-interface"] as const).map((ResourceType) => ({
      ResourceType,
      Tags: [...tags],
    })),
  };
}

const usualTypes: Readonly<Record<ImageEntry["architecture"], string>> = {
  amd64: "t3.small",
  arm64: "t4g.small",
};

/** The instance with an id. One that was just made may not be known everywhere yet: undefined says nothing of it. */
export async function getInstance(cloud: Cloud, id: string): Promise<Ec2Instance | undefined> {
  const answer = await cloud.ask(
    `look at the instance ${id}`,
    (options) =>
      cloud.ec2.describeInstances({ InstanceIds: [id] }, options).catch((error) => {
        if (isAwsError(error, notFound)) return undefined;
        throw error;
      }),
  );
  return answer?.Reservations?.flatMap(({ Instances = [] }) => Instances).map(toInstance)[0];
}

const notFound = "InvalidInstanceID.NotFound";

/** The instances that pim has started with a name; those that have ended are shown for about an hour. */
export async function instancesNamed(cloud: Cloud, name: string): Promise<readonly Ec2Instance[]> {
  const { Reservations = [] } = await cloud.ask(
    `look for the instance ${name}`,
    (options) => cloud.ec2.describeInstances({ Filters: [{ Name: "tag:Name", Values: [name] }] }, options),
  );
  return Reservations.flatMap(({ Instances = [] }) => Instances)
    .filter(({ Tags }) => markedSha256(Tags) !== undefined).map(toInstance);
}

function toInstance(instance: Instance): Ec2Instance {
  const { InstanceId = "", State, StateReason, PublicIpAddress, PrivateIpAddress } = instance;
  return {
    ...{ id: InstanceId, state: State?.Name ?? "" },
    reason: { code: StateReason?.Code ?? "", text: StateReason?.Message ?? "" },
    addresses: { public: PublicIpAddress, private: PrivateIpAddress },
  };
}

/** Whether an instance has ended, or is about to for good. */
export function hasEnded({ state }: Ec2Instance): boolean {
  return ["shutting-down", "terminated"].includes(state);
}

/** Ends an instance, with its disk and its network card; one that is gone already is no error. */
export async function endInstance(cloud: Cloud, id: string, signal: AbortSignal): Promise<void> {
  for (let attempt = 1;; attempt++) {
    try {
      return await cloud.ask(
        `end the instance ${id}`,
        async (options) => void await cloud.ec2.terminateInstances({ InstanceIds: [id] }, options),
      );
    } catch (error) {
      if (!isAwsError(error, notFound)) throw error;
      // Right after the start.
      if (attempt === 4) return;
      await pause(attempt * 1000, signal);
    }
  }
}
