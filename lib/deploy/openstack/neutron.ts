import * as v from "valibot";
import type { Cloud } from "./cloud.ts";
import { parseJson } from "./json.ts";

const networkSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  port_security_enabled: v.optional(v.boolean(), true),
});

const ruleSchema = v.looseObject({
  direction: v.string(),
  protocol: v.nullish(v.union([v.string(), v.number()])),
  port_range_min: v.nullish(v.number()),
  port_range_max: v.nullish(v.number()),
  remote_group_id: v.nullish(v.string()),
});

const groupSchema = v.looseObject({
  id: v.string(),
  name: v.string(),
  security_group_rules: v.optional(v.array(ruleSchema), []),
});

const floatingSchema = v.looseObject({ id: v.string(), floating_ip_address: v.string() });

/** A network as the network service describes it. */
export type Network = v.InferOutput<typeof networkSchema>;

/** A security group with its rules. */
export type SecurityGroup = v.InferOutput<typeof groupSchema>;

/** The network service (Networking API v2.0) as pim uses it. */
export class Neutron {
  constructor(readonly cloud: Cloud) {}

  /** The networks that the project sees and that have this name or id. */
  async networks(nameOrId: string): Promise<readonly Network[]> {
    const named = await this.#list("networks", { name: nameOrId }, networkSchema);
    return named.length > 0 ? named : await this.#list("networks", { id: nameOrId }, networkSchema);
  }

  /** The project's own security groups that have this name, or the one that has this id. */
  async securityGroups(nameOrId: string): Promise<readonly SecurityGroup[]> {
    const { project } = await this.cloud.session();
    // Who administers the cloud sees a group `default` of each project.
    const own = { name: nameOrId, tenant_id: project.id };
    const named = await this.#list("security-groups", own, groupSchema);
    return named.length > 0 ? named : await this.#list("security-groups", { id: nameOrId }, groupSchema);
  }

  /** The ids of a server's ports. */
  async portsOf(serverId: string): Promise<readonly string[]> {
    const ports = await this.#list("ports", { device_id: serverId }, v.looseObject({ id: v.string() }));
    return ports.map(({ id }) => id);
  }

  /** Takes a floating IP of an external network for a port, and returns its address. */
  async takeFloatingIp(networkId: string, portId: string, description: string): Promise<string> {
    const path = "/v2.0/floatingips";
    const json = { floatingip: { floating_network_id: networkId, port_id: portId, description } };
    const answer = await this.cloud.uncut().once("network", { method: "POST", path, expected: [201], json });
    return parseJson(v.object({ floatingip: floatingSchema }), answer, path).floatingip.floating_ip_address;
  }

  /** Gives the floating IPs with this description back. */
  async giveFloatingIpsBack(description: string): Promise<void> {
    const found = await this.#list("floatingips", { description }, floatingSchema);
    for (const { id } of found) {
      const path = `/v2.0/floatingips/${encodeURIComponent(id)}`;
      await this.cloud.send("network", { method: "DELETE", path, expected: [204, 404] });
    }
  }

  async #list<S extends v.GenericSchema>(
    what: string,
    filter: Readonly<Record<string, string>>,
    schema: S,
  ): Promise<readonly v.InferOutput<S>[]> {
    const path = `/v2.0/${what}?${new URLSearchParams(filter)}`;
    const answer = await this.cloud.send("network", { method: "GET", path, expected: [200] });
    const key = what.replace("-", "_");
    return parseJson(v.object({ [key]: v.array(schema) }), answer, path)[key] ?? [];
  }
}
