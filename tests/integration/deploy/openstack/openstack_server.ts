// A stand-in for Keystone and Glance, written from their API references: it refuses what those refuse.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { type Certificate, makeCertificate } from "../../../http/certificate.ts";
import { compute, type ComputeRules, type ComputeState, type Hypervisor } from "./openstack_compute.ts";
import { network, newNetworks } from "./openstack_network.ts";
import { json, refusalAnswer, refuse, Refused } from "./openstack_refusal.ts";

/** What the stand-in is told to do at a request: answer this, before or after it has done what was asked for. */
type Act = (work: () => Promise<Response>) => Response | Promise<Response>;
type Fault = { readonly match: RegExp; times: number; readonly act: Act };

/** A cloud with one project and one application credential. */
export interface Cloud extends AsyncDisposable {
  readonly port: number;
  readonly certificate: Certificate;
  readonly images: Map<string, Record<string, unknown>>;
  readonly compute: ComputeState;
  /** "METHOD path" of each request, in their order. */
  readonly requests: string[];
  /** Content-Length of each upload. */
  readonly lengths: (string | null)[];
  /** Answers requests that match "METHOD path" in another way, this many times. */
  fault(match: RegExp, times: number, act: Act): void;
  expireTokens(): void;
  readonly rules: CloudRules;
}

/** How the cloud is set up; may be changed at any time. */
export interface CloudRules {
  secret: string;
  quotaBytes: number;
  mayPublish: boolean;
  importMethods: string[];
  importFails: boolean;
  /** Imports make raw of everything. */
  importConverts: boolean;
  /** Stores other bytes than were sent. */
  damages: boolean;
  /** The token runs out while data is sent, and Glance removes the image. */
  expiresInUpload: boolean;
  regions: string[];
  /** Since Rocky; before there was only an MD5. */
  multihash: boolean;
}

/** The id of the one application credential. */
export const credentialId = "6cb5fa6a13184e6fab65ba2108adf50c";
const projectId = "263fd9b2d1a04a7b8b3a7f0a1a6a9b33";

/** How the stand-in is started. */
export interface CloudOptions {
  /** Where the catalog says that Glance is. */
  readonly publicPort?: () => number;
  readonly tls?: boolean;
  /** A folder for the data of images, in files with their ids. */
  readonly imageDir?: string;
  readonly hypervisor?: Hypervisor;
}

// Servers at which nothing answers.
const noHypervisor: Hypervisor = { boot: () => Promise.resolve("127.0.0.1"), stop: () => Promise.resolve() };

/** Starts it on the loopback. */
export async function startCloud(
  { publicPort, tls = true, imageDir, hypervisor = noHypervisor }: CloudOptions = {},
): Promise<Cloud> {
  const certificate = await makeCertificate();
  const images = new Map<string, Record<string, unknown>>();
  const base = (port: number) => `${tls ? "https" : "http"}://127.0.0.1:${port}`;
  const computeRules: ComputeRules = {
    ...{ instances: 10, mayCreate: true, fault: undefined, keepsServers: false },
  };
  const state: State = {
    ...{ tokens: new Set(), images, imageDir, faults: [], requests: [], lengths: [] },
    compute: { images, servers: new Map(), network: newNetworks(), hypervisor, rules: computeRules },
    urls: () => ({
      image: `${base(publicPort?.() ?? server.addr.port)}/image/v2/`,
      compute: `${base(server.addr.port)}/compute/`,
      network: `${base(server.addr.port)}/network/`,
    }),
    rules: {
      ...{ secret: "rEaSdQ0", quotaBytes: Infinity, mayPublish: false, importMethods: ["glance-direct"] },
      ...{ importFails: false, importConverts: false, damages: false, expiresInUpload: false },
      ...{ regions: ["RegionOne"], multihash: true },
    },
  };
  const { cert, key } = certificate;
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...(tls && { cert, key }) };
  const server = Deno.serve(options, (request: Request) => answer(state, request));
  return {
    port: server.addr.port,
    certificate,
    images,
    compute: state.compute,
    requests: state.requests,
    lengths: state.lengths,
    rules: state.rules,
    fault: (match, times, act) => state.faults.push({ match, times, act }),
    expireTokens: () => state.tokens.clear(),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      for (const each of state.compute.servers.values()) await hypervisor.stop(each);
    },
  };
}

interface State {
  readonly tokens: Set<string>;
  readonly images: Map<string, Record<string, unknown>>;
  readonly faults: Fault[];
  readonly requests: string[];
  readonly lengths: (string | null)[];
  readonly imageDir: string | undefined;
  readonly compute: ComputeState;
  /** What the catalog says. */
  readonly urls: () => Readonly<Record<"image" | "compute" | "network", string>>;
  readonly rules: CloudRules;
}

async function answer(state: State, request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const line = `${request.method} ${pathname}`;
  state.requests.push(`${line}${search}`);
  try {
    const fault = state.faults.find(({ match, times }) => times > 0 && match.test(line));
    if (fault === undefined) return await route(state, request, pathname);
    fault.times--;
    const answer = await fault.act(() => route(state, request, pathname));
    if (!request.bodyUsed) await request.arrayBuffer();
    return answer;
  } catch (error) {
    // The client has gone away.
    if (!(error instanceof Refused)) return new Response(null, { status: 500 });
    await request.body?.cancel().catch(() => {});
    return refusalAnswer(pathname, error);
  }
}

async function route(state: State, request: Request, pathname: string): Promise<Response> {
  if (pathname.startsWith("/identity/")) return await keystone(state, request, pathname.slice(9));
  if (!state.tokens.has(request.headers.get("x-auth-token") ?? "")) {
    return refuse(401, "This server could not verify that you are authorized to access the document.");
  }
  if (pathname.startsWith("/image/")) return await glance(state, request, pathname.slice(6));
  if (pathname.startsWith("/compute/v2.1/")) return await compute(state.compute, request, pathname.slice(13));
  if (pathname.startsWith("/network/")) {
    return await network(state.compute.network, request, pathname.slice(8), projectId);
  }
  return refuse(404, "no such service");
}

async function keystone(state: State, request: Request, path: string): Promise<Response> {
  if (path !== "/v3/auth/tokens") return refuse(404, "Could not find it.");
  if (request.method !== "POST") return refuse(405, "The method is not allowed for the requested URL.");
  const { auth, ...rest } = await json(request);
  const identity = (auth as Record<string, unknown>)?.identity as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return refuse(400, "Additional properties are not allowed");
  if ("scope" in (auth as object)) {
    return refuse(401, "Application credentials cannot request a scope.");
  }
  if (JSON.stringify(identity?.methods) !== '["application_credential"]') {
    return refuse(400, "Expecting to find methods");
  }
  const given = identity.application_credential as Record<string, unknown>;
  if (given?.id !== credentialId || given.secret !== state.rules.secret) {
    return refuse(401, "The request you have made requires authentication.");
  }
  const token = `gAAAAA${crypto.randomUUID()}`;
  state.tokens.add(token);
  const endpoint = (url: string, of: string, region: string) => ({
    ...{ id: crypto.randomUUID(), interface: of, region_id: region, region },
    url: of === "public" ? url : "http://controller.invalid:9292",
  });
  const services = Object.entries(state.urls()).map(([type, url]) => ({
    ...{ type, id: type, name: type },
    endpoints: state.rules.regions.flatMap((each) =>
      ["public", "internal"].map((of) => endpoint(url, of, each))
    ),
  }));
  const body = {
    token: {
      methods: ["application_credential"],
      expires_at: "2026-11-27T00:00:00.000000Z",
      project: { domain: { id: "default", name: "Default" }, id: projectId, name: "demo" },
      catalog: [{ type: "identity", id: "i", name: "keystone", endpoints: [] }, ...services],
    },
  };
  return Response.json(body, { status: 201, headers: { "x-subject-token": token } });
}

async function glance(state: State, request: Request, path: string): Promise<Response> {
  const { method } = request;
  if (path === "/v2/info/import") {
    if (method !== "GET") return refuse(405, "Method not allowed");
    return Response.json({ "import-methods": { type: "array", value: state.rules.importMethods } });
  }
  if (path === "/v2/images") {
    if (method === "GET") return list(state, new URL(request.url).searchParams);
    if (method === "POST") return await create(state, request);
    return refuse(405, "Method not allowed");
  }
  const [, id = "", part] = /^\/v2\/images\/([0-9a-f-]{36})(?:\/(file|stage|import))?$/.exec(path) ??
    refuse(404, "The resource could not be found.");
  const image = state.images.get(id) ?? refuse(404, `Failed to find image ${id}`);
  if (part === "import") return await startImport(state, request, image);
  if (part !== undefined) return await store(state, request, image, part);
  switch (method) {
    case "GET":
      return show(image);
    case "PATCH":
      return await patch(state, request, image);
    case "DELETE":
      if (image.protected === true) return refuse(403, `Image ${id} is protected and cannot be deleted.`);
      state.images.delete(id);
      return new Response(null, { status: 204 });
    default:
      return refuse(405, "Method not allowed");
  }
}

const listFilters = ["name", "owner", "status", "visibility", "limit", "marker", "pim_sha256"];

function list(state: State, query: URLSearchParams): Response {
  for (const key of query.keys()) {
    if (!listFilters.includes(key)) return refuse(400, `Unknown filter ${key}`);
  }
  const matching = [...state.images.values()].filter((image) =>
    ["name", "owner", "status"].every((key) => !query.has(key) || query.get(key) === image[key])
  );
  const start = query.has("marker") ? matching.findIndex(({ id }) => id === query.get("marker")) + 1 : 0;
  const images = matching.slice(start, start + 2);
  const next = new URLSearchParams(query);
  next.set("marker", String(images.at(-1)?.id));
  const more = start + 2 < matching.length ? { next: `/v2/images?${next}` } : {};
  return Response.json({ images, first: "/v2/images", schema: "/v2/schemas/images", ...more });
}

const readOnly =
  /^(status|size|checksum|owner|created_at|updated_at|file|schema|self|os_hash_algo|os_hash_value|direct_url)$/;
const visibilities = ["private", "shared", "community", "public"];
const formats = ["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop", "iso"];
const containers = ["ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"];

const shapes: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(value)),
  name: (value) => typeof value === "string" && value.length <= 255,
  disk_format: (value) => formats.includes(String(value)),
  container_format: (value) => containers.includes(String(value)),
  visibility: (value) => visibilities.includes(String(value)),
  min_disk: (value) => Number.isInteger(value) && Number(value) >= 0,
  min_ram: (value) => Number.isInteger(value) && Number(value) >= 0,
  protected: (value) => typeof value === "boolean",
};

function checkProperty({ rules }: State, key: string, value: unknown): void {
  if (readOnly.test(key)) refuse(403, `Attribute '${key}' is read-only.`);
  if (key.startsWith("os_glance")) refuse(403, `Attribute '${key}' is reserved.`);
  const fits = shapes[key] ?? ((other: unknown) => typeof other === "string" && other.length <= 65_535);
  if (!fits(value)) refuse(400, `Provided object does not match schema 'image': ${key}`);
  if (value === "public" && key === "visibility" && !rules.mayPublish) {
    refuse(403, "You are not authorized to complete publicize_image action.");
  }
}

async function create(state: State, request: Request): Promise<Response> {
  const given = await json(request);
  for (const [key, value] of Object.entries(given)) checkProperty(state, key, value);
  const id = String(given.id ?? crypto.randomUUID());
  if (state.images.has(id)) return refuse(409, `Image ID ${id} already exists!`);
  const image = {
    ...{ visibility: "shared", min_disk: 0, min_ram: 0, protected: false, tags: [], ...given, id },
    ...{ status: "queued", owner: projectId, size: null, checksum: null },
    ...{ os_hash_algo: null, os_hash_value: null, created_at: "2026-01-01T00:00:00Z" },
  };
  state.images.set(id, image);
  return Response.json(image, { status: 201, headers: { location: `/v2/images/${id}` } });
}

async function store(
  state: State,
  request: Request,
  image: Record<string, unknown>,
  part: string,
): Promise<Response> {
  const { rules, images } = state;
  if (request.method !== "PUT") return refuse(405, "Method not allowed");
  if (request.headers.get("content-type") !== "application/octet-stream") {
    return refuse(415, "The server does not support the media type of the request body.");
  }
  if (image.disk_format === undefined || image.container_format === undefined) {
    return refuse(400, "Properties disk_format, container_format must be set prior to saving data.");
  }
  if (image.status !== "queued") {
    return refuse(409, `Image status transition from ${image.status} to saving is not allowed`);
  }
  state.lengths.push(request.headers.get("content-length"));
  image.status = part === "file" ? "saving" : "uploading";
  const sha512 = createHash("sha512");
  const md5 = createHash("md5");
  let size = 0;
  using file = state.imageDir === undefined
    ? undefined
    : await Deno.create(join(state.imageDir, String(image.id)));
  // A connection that is cut makes this throw, and the image stays as it is now.
  for await (const piece of request.body ?? []) {
    size += piece.length;
    if (size > rules.quotaBytes) {
      image.status = "queued";
      return refuse(413, "Image exceeds the storage quota: The size of the data exceeds the limit.");
    }
    sha512.update(piece);
    md5.update(piece);
    if (file !== undefined) await writeAll(file, piece);
  }
  if (rules.expiresInUpload) {
    rules.expiresInUpload = false;
    state.tokens.clear();
    images.delete(String(image.id));
    return refuse(401, "Authentication error - the token may have expired during file upload.");
  }
  if (rules.damages) sha512.update("x");
  const digests = { size, hash: sha512.digest("hex"), checksum: md5.digest("hex") };
  if (part === "file") activate(state, image, digests);
  else image.staged = digests;
  return new Response(null, { status: 204 });
}

interface Digests {
  readonly size: number;
  readonly hash: string;
  readonly checksum: string;
}

function activate({ rules }: State, image: Record<string, unknown>, { size, hash, checksum }: Digests): void {
  Object.assign(image, { status: "active", size, checksum });
  if (rules.multihash) Object.assign(image, { os_hash_algo: "sha512", os_hash_value: hash });
  if (rules.damages) image.checksum = "0".repeat(32);
}

async function startImport(
  state: State,
  request: Request,
  image: Record<string, unknown>,
): Promise<Response> {
  if (request.method !== "POST") return refuse(405, "Method not allowed");
  const { method, ...rest } = await json(request);
  const { name } = method as { name: string };
  if (Object.keys(rest).length > 0) return refuse(400, "Additional properties are not allowed");
  if (!state.rules.importMethods.includes(name)) return refuse(400, `Unknown import method name '${name}'.`);
  if (image.status !== "uploading" || image.staged === undefined) {
    return refuse(409, "'glance-direct' method requires image status to be 'uploading'");
  }
  image.status = "importing";
  const digests = image.staged as Digests;
  delete image.staged;
  image.polls = 2;
  image.later = () => {
    if (state.rules.importFails) {
      Object.assign(image, { status: "queued", os_glance_failed_import: "ceph" });
    } else if (state.rules.importConverts) {
      image.disk_format = "raw";
      activate(state, image, { ...digests, hash: "c0ffee" });
    } else activate(state, image, digests);
  };
  return new Response("", { status: 202 });
}

/** An import is done when it has been asked for twice. */
function show(image: Record<string, unknown>): Response {
  if (image.status === "importing") {
    image.polls = Number(image.polls) - 1;
    if (image.polls === 0) (image.later as () => void)();
  }
  return Response.json(image);
}

async function patch(state: State, request: Request, image: Record<string, unknown>): Promise<Response> {
  const changes = await json(request, "application/openstack-images-v2.1-json-patch");
  // All of it or nothing.
  const changed: Record<string, unknown> = {};
  for (const { op, path, value, ...rest } of changes as unknown as Record<string, string>[]) {
    const key = (path ?? "").slice(1);
    if (Object.keys(rest).length > 0 || op !== "replace") return refuse(400, "Invalid JSON patch");
    if (!(key in image)) return refuse(409, `Property ${key} does not exist.`);
    checkProperty(state, key, value);
    changed[key] = value;
  }
  return Response.json(Object.assign(image, changed));
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await file.write(bytes.subarray(offset));
}
