import { messageOf, PimError } from "../../errors.ts";
import type { TargetCheck } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { findPlace, type InstancePlace } from "./instance_place.ts";
import { Neutron, type SecurityGroup } from "./neutron.ts";
import type { InstanceSettings } from "./settings.ts";

/** Looks for what an instance is started with, and whether its security groups let anybody in by SSH. */
export async function checkInstances(
  cloud: Cloud,
  settings: InstanceSettings,
): Promise<readonly TargetCheck[]> {
  try {
    const place = await findPlace(cloud, settings);
    const { flavor, network, floating } = place;
    const detail = `flavor ${flavor.name} (${flavor.ram} MiB, ${flavor.disk} GiB), network ${network.name}` +
      (floating === undefined ? "" : `, floating IP of ${floating.name}`);
    return [{ name: "instances", ok: true, detail }, ...await checkGroups(cloud, settings, place)];
  } catch (error) {
    if (!(error instanceof PimError) || cloud.options.signal.aborted) throw error;
    const { hint } = error;
    return [{ name: "instances", ok: false, detail: messageOf(error), ...(hint !== undefined && { hint }) }];
  }
}

async function checkGroups(
  cloud: Cloud,
  { security_groups = ["default"], ssh_port }: InstanceSettings,
  { network }: InstancePlace,
): Promise<readonly TargetCheck[]> {
  if (!network.port_security_enabled) return [];
  const neutron = new Neutron(cloud);
  const names = security_groups.join(", ");
  const groups: SecurityGroup[] = [];
  for (const name of security_groups) {
    const found = await neutron.securityGroups(name);
    if (found.length === 0) {
      return [{
        ...{ name: "SSH", ok: false, detail: `the project has no security group ${name}` },
        hint: "Set security_groups in verify_instance to some that it has: openstack security group list",
      }];
    }
    groups.push(...found);
  }
  if (groups.some((group) => letsIn(group, ssh_port))) {
    return [{ name: "SSH", ok: true, detail: `security groups ${names} let port ${ssh_port} in` }];
  }
  return [{
    ...{ name: "SSH", ok: false, detail: `no rule of the security groups ${names} lets port ${ssh_port} in` },
    hint: `Add one: openstack security group rule create --ingress --protocol tcp --dst-port ${ssh_port} ` +
      `--remote-ip YOUR-NETWORK ${security_groups[0]}`,
  }];
}

/** Whether a rule lets others than the group's own members reach a TCP port. */
function letsIn({ security_group_rules }: SecurityGroup, port: number): boolean {
  return security_group_rules.some((rule) =>
    rule.direction === "ingress" && !rule.remote_group_id &&
    [null, undefined, "any", "tcp", "6", 6].includes(rule.protocol) &&
    (rule.port_range_min ?? 0) <= port && port <= (rule.port_range_max ?? 65_535)
  );
}
