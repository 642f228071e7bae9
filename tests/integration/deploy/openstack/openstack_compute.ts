// A stand-in for Nova, written from the Compute API's reference and its own schemas (2.1, no microversion).
import { load } from "js-yaml";
import { json, refuse } from "./openstack_refusal.ts";
import type { NetworkState } from "./openstack_network.ts";

/** A server of the stand-in. */
export interface StandInServer {
  readonly id: string;
  readonly name: string;
  readonly imageRef: string;
  readonly userData: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly network: string;
  readonly groups: readonly string[];
  status: string;
  fault?: string;
  address?: string;
  /** How often it can still be asked for before something has come of it. */
  polls: number;
  /** Whether it was told to go. */
  leaving: boolean;
}

/** What runs servers. */
export interface Hypervisor {
  /** Starts one; returns its address in its network. */
  boot(server: StandInServer, image: Readonly<Record<string, unknown>>): Promise<string>;
  stop(server: StandInServer): Promise<void>;
}

/** The compute service of one project. */
export interface ComputeState {
  readonly images: ReadonlyMap<string, Record<string, unknown>>;
  readonly servers: Map<string, StandInServer>;
  readonly network: NetworkState;
  readonly hypervisor: Hypervisor;
  readonly rules: ComputeRules;
}

/** How it is set up; may be changed at any time. */
export interface ComputeRules {
  instances: number;
  /** Policies may forbid it. */
  mayCreate: boolean;
  /** What comes of each server that is made. */
  fault: string | undefined;
  /** Servers that are told to go stay. */
  keepsServers: boolean;
}

const gibibyte = 1024 ** 3;

/** The flavors there are. */
export const flavors = [
  { id: "1", name: "m1.tiny", disk: 1, ram: 512, vcpus: 1 },
  { id: "2", name: "m1.small", disk: 20, ram: 2048, vcpus: 1 },
  { id: "9f8e", name: "no.disk", disk: 0, ram: 2048, vcpus: 1 },
] as const;

/** Answers a request whose token was found right. */
export async function compute(state: ComputeState, request: Request, path: string): Promise<Response> {
  const { method } = request;
  const query = new URL(request.url).searchParams;
  if (path === "/flavors/detail") {
    return method === "GET" ? listFlavors(query) : refuse(405, "The method is not allowed.");
  }
  if (path === "/servers" && method === "POST") return await create(state, request);
  if (path === "/servers/detail" && method === "GET") return await list(state, query);
  const [, id = ""] = /^\/servers\/([0-9a-f-]{36})$/.exec(path) ??
    refuse(404, "The resource could not be found.");
  const server = state.servers.get(id) ?? refuse(404, `Instance ${id} could not be found.`);
  if (method === "GET") {
    await step(state, server);
    return state.servers.has(id)
      ? Response.json({ server: show(server) })
      : refuse(404, `Instance ${id} could not be found.`);
  }
  if (method !== "DELETE") return refuse(405, "The method is not allowed.");
  if (!server.leaving) {
    Object.assign(server, { leaving: true, polls: 2 });
    await state.hypervisor.stop(server);
  }
  return new Response(null, { status: 204 });
}

function known(query: URLSearchParams, names: readonly string[]): void {
  for (const key of query.keys()) if (!names.includes(key)) refuse(400, `Unknown parameter ${key}`);
}

/** Two at a time, whatever is asked for: the service has a limit of its own. */
function listFlavors(query: URLSearchParams): Response {
  known(query, ["limit", "marker"]);
  const marker = query.get("marker");
  const after = marker === null ? 0 : flavors.findIndex(({ id }) => id === marker) + 1;
  if (marker !== null && after === 0) return refuse(400, `marker [${marker}] not found`);
  return Response.json({ flavors: flavors.slice(after, after + 2) });
}

async function list(state: ComputeState, query: URLSearchParams): Promise<Response> {
  known(query, ["name"]);
  const pattern = new RegExp(query.get("name") ?? "");
  for (const server of state.servers.values()) await step(state, server);
  const found = [...state.servers.values()].filter(({ name }) => pattern.test(name));
  return Response.json({ servers: found.map(show) });
}

/** What the cloud does meanwhile. */
async function step(state: ComputeState, server: StandInServer): Promise<void> {
  server.polls--;
  if (server.polls > 0) return;
  if (server.leaving && !state.rules.keepsServers) state.servers.delete(server.id);
  if (server.status !== "BUILD") return;
  if (state.rules.fault !== undefined) {
    Object.assign(server, { status: "ERROR", fault: state.rules.fault });
    return;
  }
  server.status = "ACTIVE";
  server.address = await state.hypervisor.boot(server, state.images.get(server.imageRef) ?? {});
}

function show(
  { id, name, status, metadata, network, address, fault }: StandInServer,
): Record<string, unknown> {
  const entry = (addr: string, version: number) => ({
    ...{ addr, version, "OS-EXT-IPS:type": "fixed", "OS-EXT-IPS-MAC:mac_addr": "fa:16:3e:00:00:01" },
  });
  const addresses = address === undefined ? {} : { [network]: [entry("fd00::1", 6), entry(address, 4)] };
  return {
    ...{ id, name, status, metadata, addresses, config_drive: "True" },
    ...(fault !== undefined && { fault: { code: 500, message: fault, created: "2026-01-01T00:00:00Z" } }),
  };
}

const isText = (value: unknown) => typeof value === "string" && value.length > 0 && value.length <= 255;
const listOf = (key: string) => (value: unknown) =>
  Array.isArray(value) && value.every((each) => Object.keys(each).join() === key && isText(each[key]));

const shapes: Readonly<Record<string, (value: unknown) => boolean>> = {
  name: (value) => isText(value) && value === String(value).trim(),
  imageRef: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value)),
  flavorRef: isText,
  networks: listOf("uuid"),
  security_groups: listOf("name"),
  config_drive: (value) => typeof value === "boolean",
  user_data: (value) =>
    typeof value === "string" && value.length <= 65_535 &&
    /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  metadata: (value) =>
    Object.entries(value as object).every(([key, each]) =>
      /^[a-zA-Z0-9-_:. ]{1,255}$/.test(key) && typeof each === "string" && each.length <= 255
    ),
};

async function create(state: ComputeState, request: Request): Promise<Response> {
  const { server: given, ...rest } = await json(request);
  if (Object.keys(rest).length > 0) return refuse(400, "Additional properties are not allowed");
  const wanted = given as Record<string, unknown>;
  for (const [key, value] of Object.entries(wanted)) {
    const fits = shapes[key] ??
      refuse(400, `Additional properties are not allowed ('${key}' was unexpected)`);
    if (!fits(value)) return refuse(400, `Invalid input for field/attribute ${key}.`);
  }
  const { rules, servers, hypervisor: _, images, network } = state;
  if (!rules.mayCreate) {
    return refuse(403, "Policy doesn't allow os_compute_api:servers:create to be performed.");
  }
  const image = images.get(String(wanted.imageRef)) ?? refuse(400, "Can not find requested image");
  if (image.status !== "active") return refuse(400, `Image ${image.id} is not active.`);
  const flavor = flavors.find(({ id }) => id === wanted.flavorRef) ??
    refuse(400, "Invalid flavorRef provided.");
  const minimum = Number(image.min_disk);
  if (flavor.disk === 0) {
    return refuse(403, "Only volume-backed servers are allowed for flavors with zero disk.");
  }
  if (flavor.disk < minimum) {
    return refuse(
      400,
      "Flavor's disk is smaller than the minimum size specified in image metadata. " +
        `Flavor disk is ${flavor.disk * gibibyte} bytes, minimum size is ${minimum * gibibyte} bytes.`,
    );
  }
  const used = servers.size;
  if (used >= rules.instances) {
    const said = `Requested 1, but already used ${used} of ${rules.instances} instances`;
    return refuse(403, `Quota exceeded for instances: ${said}`);
  }
  const [first] = wanted.networks as readonly { uuid: string }[];
  const on = network.networks.find(({ id }) => id === first?.uuid) ??
    refuse(400, `Network ${first?.uuid} could not be found.`);
  const groups = (wanted.security_groups as readonly { name: string }[] ?? [{ name: "default" }])
    .map(({ name }) => name);
  const missing = groups.find((name) => !network.groups.some((group) => group.name === name));
  if (missing !== undefined) return refuse(400, `Security group ${missing} not found.`);
  const userData = new TextDecoder().decode(
    Uint8Array.from(atob(String(wanted.user_data)), (each) => each.charCodeAt(0)),
  );
  requireCloudConfig(userData);
  const server: StandInServer = {
    ...{ id: crypto.randomUUID(), name: String(wanted.name), imageRef: String(image.id), userData, groups },
    ...{ metadata: wanted.metadata as Record<string, string>, network: on.name },
    ...{ status: "BUILD", polls: 2, leaving: false },
  };
  servers.set(server.id, server);
  return Response.json({ server: { id: server.id, links: [], adminPass: "S3kr1tOfNova" } }, { status: 202 });
}

/** The service takes whatever it gets; cloud-init does not. */
function requireCloudConfig(userData: string): void {
  const value = userData.startsWith("#cloud-config\n") ? load(userData) : undefined;
  if (typeof value !== "object" || value === null || !("users" in value)) {
    refuse(400, "the user data is no cloud-config with users");
  }
}
