import * as yaml from "js-yaml";
import { AwsFailure, element } from "./failure.ts";
import { type ActionSpec, type Parameters, tagsOf, tagsXml } from "./ec2_parameters.ts";

/** What the other parts of EC2 know of an AMI. */
export interface KnownAmi {
  readonly architecture: string;
  /** Its disk, as it was imported. */
  readonly disk: Uint8Array;
}

/** An instance, from its start to an hour after its end. */
export interface InstanceStandIn {
  readonly id: string;
  readonly parameters: Parameters;
  readonly userData: string;
  readonly tags: Record<string, string>;
  state: "pending" | "running" | "shutting-down" | "terminated";
  reason?: { readonly code: string; readonly text: string };
  looks: number;
}

/** Makes an instance run for real; disposing of what is returned ends it. */
export type Boot = (instance: InstanceStandIn, disk: Uint8Array) => Promise<AsyncDisposable>;

const subnet = "subnet-0a1b2c3d";
const group = "sg-0a1b2c3d";
const types: Readonly<Record<string, string>> = { "t3.small": "x86_64", "t4g.small": "arm64" };
const addresses = { private: "10.0.0.7", public: "127.0.0.1" };

/** Instances, subnets and security groups of one account in one region, written from EC2's API reference. */
export class Ec2Instances {
  readonly instances = new Map<string, InstanceStandIn>();
  readonly subnets = new Map([[subnet, { vpc: "vpc-1", zone: "eu-central-1a", free: 250 }]]);
  /** Security groups; each lets addresses in on one port. */
  readonly groups = new Map([[group, { vpc: "vpc-1", port: 22, from: ["203.0.113.0/24"] }]]);
  /** How often an instance is looked at before everybody knows it, and before it runs. */
  looksUntilKnown = 0;
  looksUntilRunning = 0;
  /** Why EC2 ends each instance that was to run. */
  endsWith?: InstanceStandIn["reason"];
  boot?: Boot;
  readonly #running = new Map<string, Promise<AsyncDisposable>>();
  #count = 0;

  constructor(readonly amiOf: (id: string) => KnownAmi) {}

  /** What has neither ended nor is about to. */
  alive(): readonly InstanceStandIn[] {
    return [...this.instances.values()].filter(({ state }) => state === "pending" || state === "running");
  }

  /** Lets an instance end by itself, as one does that is shut down from within. */
  shutDown(id: string): void {
    const instance = this.#get(id);
    instance.state = "terminated";
    instance.reason = { code: "Client.InstanceInitiatedShutdown", text: "Instance initiated shutdown" };
  }

  /** Waits until nothing runs for real. */
  async ended(): Promise<void> {
    for (const [id, running] of this.#running) {
      await (await running)[Symbol.asyncDispose]();
      this.#running.delete(id);
    }
  }

  readonly work: Readonly<Record<string, (parameters: Parameters) => readonly string[]>> = {
    RunInstances: (parameters) => this.#run(parameters),
    DescribeInstances: (parameters) => this.#describe(parameters),
    TerminateInstances: ({ "InstanceId.1": id = "" }) => {
      const instance = this.#get(id);
      instance.state = "shutting-down";
      this.#running.get(id)?.then((each) => each[Symbol.asyncDispose]());
      this.#running.delete(id);
      return [element("instancesSet", [element("item", [element("instanceId", id)])])];
    },
    DescribeSubnets: ({ "SubnetId.1": id = "" }) => {
      const { vpc, zone, free } = this.#subnet(id);
      const item = [element("subnetId", id), element("vpcId", vpc), element("availabilityZone", zone)];
      return [
        element("subnetSet", [element("item", [...item, element("availableIpAddressCount", free)])]),
      ];
    },
    DescribeSecurityGroups: ({ "GroupId.1": id = "" }) => {
      const { vpc, port, from } = this.#group(id);
      const ranges = from.map((each) => element("item", [element("cidrIp", each)]));
      const permission = [
        ...[element("ipProtocol", "tcp"), element("fromPort", port), element("toPort", port)],
        element("ipRanges", ranges),
      ];
      const permissions = element("ipPermissions", [element("item", permission)]);
      const item = [element("groupId", id), element("vpcId", vpc), permissions];
      return [element("securityGroupInfo", [element("item", item)])];
    },
  };

  /** Refuses what EC2 would refuse, in a dry run too. */
  check(parameters: Parameters): void {
    const { ImageId = "", InstanceType: type = "", ClientToken: token = "" } = parameters;
    const invalid = (why: string) => {
      throw new AwsFailure(400, "InvalidParameterValue", why);
    };
    const { architecture } = this.amiOf(ImageId);
    if (types[type] === undefined) invalid(`Invalid value '${type}' for InstanceType.`);
    if (types[type] !== architecture) {
      invalid(
        `The architecture '${types[type]}' of the specified instance type does not match that of the AMI`,
      );
    }
    if (token === "" || token.length > 64) invalid(`a client token of ${token.length} characters`);
    for (const [name, value] of Object.entries(exactly)) {
      if (parameters[name] !== value) invalid(`${name} is ${parameters[name]}`);
    }
    const kinds = [1, 2, 3].map((index) => parameters[`TagSpecification.${index}.ResourceType`]);
    if (kinds.join() !== "instance,volume,network-interface") invalid(`tags for ${kinds.join()}`);
    const network = this.#subnet(parameters["NetworkInterface.1.SubnetId"] ?? "").vpc;
    const { vpc } = this.#group(parameters["NetworkInterface.1.SecurityGroupId.1"] ?? "");
    if (vpc !== network) {
      throw new AwsFailure(
        400,
        "InvalidParameter",
        "Security group and subnet belong to different networks.",
      );
    }
  }

  #run(parameters: Parameters): readonly string[] {
    this.check(parameters);
    const userData = cloudConfig(parameters.UserData ?? "");
    const { ClientToken: token } = parameters;
    const known = [...this.instances.values()].find((each) => each.parameters.ClientToken === token);
    if (known !== undefined && JSON.stringify(known.parameters) !== JSON.stringify(parameters)) {
      throw new AwsFailure(400, "IdempotentParameterMismatch", "the same token for another request");
    }
    const id = known?.id ?? `i-${(++this.#count).toString(16).padStart(17, "0")}`;
    if (known === undefined) {
      const tags = tagsOf(parameters, "TagSpecification.1.Tag");
      const instance: InstanceStandIn = { id, parameters, userData, tags, state: "pending", looks: 0 };
      this.instances.set(id, instance);
      const running = this.boot?.(instance, this.amiOf(parameters.ImageId ?? "").disk);
      if (running !== undefined) this.#running.set(id, running);
    }
    return [element("instancesSet", [element("item", [element("instanceId", id)])])];
  }

  #describe(parameters: Parameters): readonly string[] {
    const { "InstanceId.1": id, "Filter.1.Name": filter, "Filter.1.Value.1": value } = parameters;
    if (id === undefined && filter !== "tag:Name") {
      throw new AwsFailure(400, "InvalidParameterValue", "Filter.1");
    }
    if (id !== undefined) this.#get(id);
    const seen = [...this.instances.values()].filter((each) => {
      if (id === undefined ? each.tags.Name !== value : each.id !== id) return false;
      return ++each.looks > this.looksUntilKnown;
    });
    if (id !== undefined && seen.length === 0) throw unknown(id);
    for (const each of seen) this.#goOn(each);
    const item = (each: InstanceStandIn) => element("item", instanceXml(each));
    const reservation = seen.map((each) => element("item", [element("instancesSet", [item(each)])]));
    return [element("reservationSet", reservation)];
  }

  #goOn(instance: InstanceStandIn): void {
    if (instance.state === "shutting-down") instance.state = "terminated";
    if (instance.state !== "pending") return;
    if (this.endsWith !== undefined) {
      instance.state = "terminated";
      instance.reason = this.endsWith;
    } else if (instance.looks > this.looksUntilKnown + this.looksUntilRunning) instance.state = "running";
  }

  #get(id: string): InstanceStandIn {
    const instance = this.instances.get(id);
    if (instance === undefined) throw unknown(id);
    return instance;
  }

  #subnet(id: string) {
    const found = this.subnets.get(id);
    if (found !== undefined) return found;
    throw new AwsFailure(400, "InvalidSubnetID.NotFound", `The subnet ID '${id}' does not exist`);
  }

  #group(id: string) {
    const found = this.groups.get(id);
    if (found !== undefined) return found;
    throw new AwsFailure(400, "InvalidGroup.NotFound", `The security group '${id}' does not exist`);
  }
}

function unknown(id: string): AwsFailure {
  return new AwsFailure(400, "InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
}

function instanceXml({ id, parameters, tags, state, reason }: InstanceStandIn): string[] {
  const isPublic = parameters["NetworkInterface.1.AssociatePublicIpAddress"] === "true";
  return [
    ...[element("instanceId", id), element("instanceState", [element("name", state)])],
    ...(reason === undefined
      ? []
      : [element("stateReason", [element("code", reason.code), element("message", reason.text)])]),
    element("privateIpAddress", addresses.private),
    ...(isPublic && state === "running" ? [element("ipAddress", addresses.public)] : []),
    element("tagSet", tagsXml(tags)),
  ];
}

/** The user data that cloud-init would get, which has to be a map of its settings. */
function cloudConfig(base64: string): string {
  const refuse = (why: string) => new AwsFailure(400, "InvalidUserData.Malformed", why);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(base64)) {
    throw refuse("Invalid BASE64 encoding of user data");
  }
  const text = atob(base64);
  if (text.length > 16 * 1024) throw refuse("User data is limited to 16384 bytes");
  if (!text.startsWith("#cloud-config\n")) throw refuse("it is no cloud-config");
  const { users } = yaml.load(text) as { users?: unknown };
  if (!Array.isArray(users)) throw refuse("there are no users in it");
  return text;
}

/** Values that instances of a verification have to have. */
const exactly: Readonly<Record<string, string>> = {
  ...{ MinCount: "1", MaxCount: "1", InstanceInitiatedShutdownBehavior: "terminate" },
  ...{ "MetadataOptions.HttpTokens": "required", "MetadataOptions.HttpEndpoint": "enabled" },
  ...{ "NetworkInterface.1.DeviceIndex": "0", "NetworkInterface.1.DeleteOnTermination": "true" },
};

/** Parameters of the actions on instances. */
export const instanceActions: Readonly<Record<string, ActionSpec>> = {
  RunInstances: {
    must: [
      ...[/^ImageId$/, /^InstanceType$/, /^MinCount$/, /^MaxCount$/, /^NetworkInterface\.1\.SubnetId$/],
      ...[/^NetworkInterface\.1\.AssociatePublicIpAddress$/, /^NetworkInterface\.1\.SecurityGroupId\.1$/],
    ],
    may: [
      /^(DryRun|ClientToken|UserData|InstanceInitiatedShutdownBehavior)$/,
      /^NetworkInterface\.1\.(DeviceIndex|DeleteOnTermination)$/,
      /^MetadataOptions\.(HttpTokens|HttpEndpoint)$/,
      /^TagSpecification\.\d\.(ResourceType|Tag\.\d+\.(Key|Value))$/,
    ],
  },
  DescribeInstances: { must: [], may: [/^InstanceId\.1$/, /^Filter\.1\.(Name|Value\.1)$/] },
  TerminateInstances: { must: [/^InstanceId\.1$/], may: [] },
  DescribeSubnets: { must: [/^SubnetId\.1$/], may: [] },
  DescribeSecurityGroups: { must: [/^GroupId\.1$/], may: [] },
};
