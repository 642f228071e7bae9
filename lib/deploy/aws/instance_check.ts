import type { IpPermission, SecurityGroup, Subnet } from "@aws-sdk/client-ec2";
import { DeployError } from "../deploy_error.ts";
import type { TargetCheck } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { type Launch, runRequest } from "./ec2_instance.ts";
import type { InstanceSettings } from "./instance_settings.ts";
import { shaTag } from "./marks.ts";
import { dryRun, outcome } from "./outcome.ts";

/** Looks whether an instance may run where the settings want it, and could be reached there. */
export async function checkInstances(
  cloud: Cloud,
  settings: InstanceSettings,
): Promise<readonly TargetCheck[]> {
  let network: string | undefined;
  return [
    await outcome("subnet", async () => {
      const { VpcId, AvailabilityZone, AvailableIpAddressCount = 0 } = await getSubnet(cloud, settings);
      network = VpcId;
      if (AvailableIpAddressCount > 0) return `${settings.subnet} in ${AvailabilityZone} has free addresses`;
      throw new DeployError(`${settings.subnet} has no free address`, {
        hint: "Set another `subnet` in verify_instance, or end what it is full of.",
      });
    }),
    await outcome("security group", async () => {
      const group = await getGroup(cloud, settings);
      if (network !== undefined && group.VpcId !== network) {
        throw new DeployError(`${settings.security_group} is not in the network of ${settings.subnet}`, {
          hint:
            `Set a \`security_group\` of ${network} in verify_instance, or a \`subnet\` of ${group.VpcId}.`,
        });
      }
      return `${settings.security_group} lets in ${letIn(group, settings, cloud).join(", ")}`;
    }),
    await outcome("instance", () => tryToStart(cloud, settings)),
  ];
}

async function getSubnet(cloud: Cloud, { subnet }: InstanceSettings): Promise<Subnet> {
  const { Subnets } = await cloud.ask(
    `look at the subnet ${subnet}`,
    (options) => cloud.ec2.describeSubnets({ SubnetIds: [subnet] }, options),
  );
  return Subnets?.[0] ?? {};
}

async function getGroup(cloud: Cloud, { security_group: id }: InstanceSettings): Promise<SecurityGroup> {
  const { SecurityGroups } = await cloud.ask(
    `look at the security group ${id}`,
    (options) => cloud.ec2.describeSecurityGroups({ GroupIds: [id] }, options),
  );
  return SecurityGroups?.[0] ?? {};
}

/** Whom a group lets in on the SSH port; whether this host is among them, only a connection can tell. */
function letIn(
  { IpPermissions = [] }: SecurityGroup,
  { security_group: id, ssh_port: port }: InstanceSettings,
  { region }: Cloud,
): readonly string[] {
  const sources = IpPermissions.filter((each) => isFor(each, port)).flatMap((each) => [
    ...(each.IpRanges ?? []).map(({ CidrIp }) => CidrIp ?? ""),
    ...(each.Ipv6Ranges ?? []).map(({ CidrIpv6 }) => CidrIpv6 ?? ""),
    ...(each.PrefixListIds ?? []).map(({ PrefixListId }) => PrefixListId ?? ""),
    ...(each.UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId ?? ""),
  ]);
  if (sources.length > 0) return sources;
  throw new DeployError(`${id} lets nobody in on port ${port}`, {
    hint: `Let this host in: aws ec2 authorize-security-group-ingress --region ${region} ` +
      `--group-id ${id} --protocol tcp --port ${port} --cidr ADDRESS/32`,
  });
}

function isFor({ IpProtocol, FromPort = 0, ToPort = 65535 }: IpPermission, port: number): boolean {
  return IpProtocol === "-1" || (IpProtocol === "tcp" && FromPort <= port && port <= ToPort);
}

/** Asks whether an instance could be started of any of pim's AMIs, as one has to be named. */
async function tryToStart(cloud: Cloud, settings: InstanceSettings): Promise<string> {
  const launch = await launchOfAny(cloud);
  if (launch === undefined) {
    return `whether one may be started shows when ${cloud.region} has an AMI of pim's`;
  }
  await dryRun(
    cloud,
    `start an instance of ${launch.image}`,
    (options) => cloud.ec2.runInstances({ ...runRequest(settings, launch), DryRun: true }, options),
  );
  return "instances can be started";
}

/** An instance of any AMI of this account that pim has made and that can be launched. */
async function launchOfAny({ ask, ec2 }: Cloud): Promise<Launch | undefined> {
  const Filters = [{ Name: "tag-key", Values: [shaTag] }, { Name: "state", Values: ["available"] }];
  const { Images } = await ask(
    "look for AMIs of pim's",
    (options) => ec2.describeImages({ Owners: ["self"], Filters }, options),
  );
  return Images?.map(({ ImageId = "", Architecture, Tags = [] }): Launch => ({
    ...{ image: ImageId, architecture: Architecture === "arm64" ? "arm64" : "amd64" },
    ...{ userData: "", token: crypto.randomUUID() },
    tags: Tags.filter(({ Key }) => Key?.startsWith("pim:")),
  }))[0];
}
