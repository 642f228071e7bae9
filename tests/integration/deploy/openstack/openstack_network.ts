// A stand-in for Neutron, written from the Networking API's reference (2.0).
import { json, refuse } from "./openstack_refusal.ts";

/** The network service as the project sees it. */
export interface NetworkState {
  readonly networks: Network[];
  readonly groups: { name: string; readonly id: string; rules: Record<string, unknown>[] }[];
  readonly floatingIps: Map<string, Record<string, unknown>>;
  readonly rules: {
    /** Whether a router joins the project's network with the external one. */
    routed: boolean;
    floatingIps: number;
  };
}

interface Network {
  readonly id: string;
  readonly name: string;
  readonly external: boolean;
  secured: boolean;
}

/** One that lets nobody but its own members in, as every project has it at first. */
export function newNetworks(): NetworkState {
  const [inside, outside] = [crypto.randomUUID(), crypto.randomUUID()];
  const own = { direction: "ingress", protocol: null, port_range_min: null, port_range_max: null };
  return {
    networks: [
      { id: inside, name: "demo-net", external: false, secured: true },
      { id: outside, name: "public", external: true, secured: true },
    ],
    groups: [{ id: crypto.randomUUID(), name: "default", rules: [{ ...own, remote_group_id: "itself" }] }],
    floatingIps: new Map(),
    rules: { routed: true, floatingIps: 50 },
  };
}

const filters: Readonly<Record<string, readonly string[]>> = {
  networks: ["name", "id"],
  "security-groups": ["name", "id", "tenant_id"],
  ports: ["device_id"],
  floatingips: ["description"],
};

/** Answers a request whose token was found right. */
export async function network(
  state: NetworkState,
  request: Request,
  path: string,
  projectId: string,
): Promise<Response> {
  const { method } = request;
  const [, what = "", id] = /^\/v2\.0\/([a-z-]+)(?:\/([0-9a-f-]{36}))?$/.exec(path) ??
    refuse(404, "The resource could not be found.");
  const allowed = filters[what] ?? refuse(404, "The resource could not be found.");
  if (id !== undefined) {
    if (method !== "DELETE" || what !== "floatingips") return refuse(405, "The method is not allowed.");
    if (!state.floatingIps.delete(id)) return refuse(404, `Floating IP ${id} could not be found`);
    return new Response(null, { status: 204 });
  }
  if (method === "POST" && what === "floatingips") return await takeFloatingIp(state, request);
  if (method !== "GET") return refuse(405, "The method is not allowed.");
  const query = new URL(request.url).searchParams;
  for (const key of query.keys()) if (!allowed.includes(key)) return refuse(400, `Invalid query ${key}`);
  const matches = (each: Record<string, unknown>) => [...query].every(([key, value]) => each[key] === value);
  return Response.json({ [what.replace("-", "_")]: all(state, what, query, projectId).filter(matches) });
}

function all(
  state: NetworkState,
  what: string,
  query: URLSearchParams,
  projectId: string,
): Record<string, unknown>[] {
  switch (what) {
    case "networks":
      return state.networks.map(({ id, name, external, secured }) => ({
        ...{ id, name, status: "ACTIVE", "router:external": external, port_security_enabled: secured },
      }));
    case "security-groups":
      return state.groups.map(({ id, name, rules }) => ({
        ...{ id, name, tenant_id: projectId, security_group_rules: rules },
      }));
    case "ports":
      // Each server has one, whose id is the server's own.
      return [{ id: query.get("device_id"), device_id: query.get("device_id"), status: "ACTIVE" }];
    default:
      return [...state.floatingIps.values()];
  }
}

async function takeFloatingIp(state: NetworkState, request: Request): Promise<Response> {
  const { floatingip, ...rest } = await json(request);
  if (Object.keys(rest).length > 0) return refuse(400, "Unrecognized attribute");
  const { floating_network_id, port_id, description, ...more } = floatingip as Record<string, string>;
  if (Object.keys(more).length > 0) return refuse(400, `Unrecognized attribute(s) '${Object.keys(more)}'`);
  const from = state.networks.find(({ id }) => id === floating_network_id) ??
    refuse(404, `Network ${floating_network_id} could not be found.`);
  if (!from.external) return refuse(400, `Network ${from.id} is not a valid external network`);
  if (!state.rules.routed) {
    return refuse(
      404,
      `External network ${from.id} is not reachable from subnet 1. Therefore, cannot associate Port ${port_id} with a Floating IP.`,
    );
  }
  if (state.floatingIps.size >= state.rules.floatingIps) {
    return refuse(409, "Quota exceeded for resources: ['floatingip'].");
  }
  const made = { id: crypto.randomUUID(), port_id, description, floating_ip_address: "127.0.0.1" };
  state.floatingIps.set(made.id, made);
  return Response.json({ floatingip: made }, { status: 201 });
}
