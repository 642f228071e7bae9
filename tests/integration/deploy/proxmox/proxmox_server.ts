// A stand-in for the API of Proxmox VE, written from its API viewer and pve-http-server: it refuses what those refuse.
import { createHash } from "node:crypto";
import { type Certificate, makeCertificate } from "../../../base/certificate.ts";
import { readUpload } from "./proxmox_form.ts";
import { type GuestAgents, guestAgents } from "./proxmox_guest.ts";
import { createProblems, sourcesOf } from "./proxmox_parameters.ts";

/** A VM as the stand-in keeps it. */
export interface StandInVm {
  readonly vmid: number;
  lock?: string;
  running?: boolean;
  template: boolean;
  config: Record<string, string>;
}

interface Task {
  readonly upid: string;
  /** How often it is asked for until it is done. */
  polls: number;
  readonly log: string[];
  exitstatus?: string;
  /** Does the work at the end and tells the exit status. */
  readonly finish: () => string;
  readonly interrupted: () => void;
}

/** How the host is set up; may be changed at any time. */
export interface PveRules {
  version: string;
  token: string;
  tokenSays: string;
  /** Privileges that the token lacks, as "PATH PRIVILEGE". */
  lacks: string[];
  importContent: string;
  availBytes: number;
  /** What becomes of the work of the next tasks, by their type; each is used once. */
  taskFails: Record<string, string>;
  /** Somebody takes the next id before we do. */
  idsTakenMeanwhile: number;
  createPolls: number;
  clonePolls: number;
  damagesUploads: boolean;
}

/** One node, pve, with the storages local (import) and local-lvm (images). */
export interface Pve extends AsyncDisposable {
  readonly port: number;
  readonly certificate: Certificate;
  readonly vms: Map<number, StandInVm>;
  /** Uploaded files by their volume id: their content. */
  readonly files: Map<string, Uint8Array>;
  readonly requests: string[];
  readonly rules: PveRules;
  /** What answers in all VMs that run. */
  readonly agents: GuestAgents;
  /** Answers requests that match "METHOD path" with this status, this many times. */
  fault(match: RegExp, times: number, status: number): void;
}

/** The id of the only token. */
export const tokenId = "pim@pve!deploy";

class Refused extends Error {
  constructor(readonly status: number, message: string, readonly errors?: Record<string, string>) {
    super(message);
  }
}

const refuse = (status: number, message: string, errors?: Record<string, string>): never => {
  throw new Refused(status, message, errors);
};

interface State {
  readonly vms: Map<number, StandInVm>;
  readonly files: Map<string, Uint8Array>;
  readonly tasks: Map<string, Task>;
  readonly requests: string[];
  readonly faults: { match: RegExp; times: number; status: number }[];
  readonly rules: PveRules;
  readonly agents: GuestAgents;
}

/** Starts it with TLS on the loopback. */
export async function startPve(): Promise<Pve> {
  const certificate = await makeCertificate();
  const state: State = {
    ...{ vms: new Map(), files: new Map(), tasks: new Map(), requests: [], faults: [] },
    agents: guestAgents(),
    rules: {
      ...{
        version: "8.4.1",
        token: "5c4d1f06-0b3a-4a3c-9a57-2a3c6d1e7f00",
        tokenSays: "invalid token value!",
      },
      ...{ lacks: [], importContent: "import,iso,vztmpl", availBytes: 50 * 1024 ** 3, taskFails: {} },
      ...{ idsTakenMeanwhile: 0, createPolls: 2, clonePolls: 1, damagesUploads: false },
    },
  };
  const { cert, key } = certificate;
  const options = { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} };
  const server = Deno.serve(options, (request) => answer(state, request));
  const { vms, files, requests, rules, agents } = state;
  return {
    ...{ port: server.addr.port, certificate, vms, files, requests, rules, agents },
    fault: (match, times, status) => state.faults.push({ match, times, status }),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await agents[Symbol.asyncDispose]();
    },
  };
}

async function answer(state: State, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const line = `${request.method} ${pathname.replace("/api2/json", "")}`;
  state.requests.push(line);
  try {
    const fault = state.faults.find(({ match, times }) => times > 0 && match.test(line));
    if (fault !== undefined) {
      fault.times--;
      return refuse(fault.status, "the node does not answer");
    }
    if (!pathname.startsWith("/api2/json/")) return refuse(501, `no such file '${pathname}'`);
    authenticate(state, request);
    const data = await route(state, request, line, searchParams);
    return Response.json({ data });
  } catch (error) {
    // The client has gone away.
    if (!(error instanceof Refused)) return new Response(null, { status: 500 });
    await request.body?.cancel().catch(() => {});
    const { status, message, errors } = error;
    return Response.json({ data: null, message: `${message}\n`, ...(errors && { errors }) }, { status });
  }
}

function authenticate({ rules }: State, request: Request): void {
  const header = request.headers.get("authorization");
  if (header === null) return refuse(401, "No ticket");
  const [, id, secret] = /^PVEAPIToken=([^=]+)=(.+)$/.exec(header) ?? refuse(401, "No ticket");
  if (id !== tokenId) return refuse(401, "no such token");
  if (secret !== rules.token) return refuse(401, rules.tokenSays);
}

type Query = URLSearchParams;
type Handler = (state: State, match: readonly string[], parameters: Query, request: Request) => unknown;

interface Route {
  readonly pattern: RegExp;
  readonly parameters: readonly string[];
  readonly handler: Handler;
}

const on = (line: string, parameters: readonly string[], handler: Handler): Route => ({
  pattern: new RegExp(`^${line.replaceAll("*", "([^/]+)")}$`),
  parameters,
  handler,
});

const routes: readonly Route[] = [
  on("GET /version", [], ({ rules }) => ({ version: rules.version, release: "8.4", repoid: "x" })),
  on("GET /nodes", [], () => [{ node: "pve", status: "online", type: "node" }]),
  on("GET /cluster/nextid", ["vmid"], nextId),
  on("GET /cluster/resources", ["type"], listVms),
  on("GET /access/permissions", ["path", "userid"], permissions),
  on("GET /nodes/pve/storage/*/status", [], storageStatus),
  on("GET /nodes/pve/storage/*/content", ["content", "vmid"], storageContent),
  on("DELETE /nodes/pve/storage/*/content/*", ["delay"], deleteContent),
  on("POST /nodes/pve/storage/*/upload", [], upload),
  on("POST /nodes/pve/qemu", [], createVm),
  on("GET /nodes/pve/qemu/*/config", ["current", "snapshot"], vmConfig),
  on("POST /nodes/pve/qemu/*/template", ["disk"], toTemplate),
  on("POST /nodes/pve/qemu/*/clone", ["newid", "name", "description", "pool", "full"], cloneVm),
  on("POST /nodes/pve/qemu/*/status/start", ["timeout"], startVm),
  on("POST /nodes/pve/qemu/*/status/stop", ["timeout"], stopVm),
  on("GET /nodes/pve/qemu/*/status/current", [], currentStatus),
  on("POST /nodes/pve/qemu/*/agent/ping", [], agentPing),
  on("POST /nodes/pve/qemu/*/agent/exec", ["command", "input-data"], agentExec),
  on("GET /nodes/pve/qemu/*/agent/exec-status", ["pid"], agentExecStatus),
  on("DELETE /nodes/pve/qemu/*", ["purge", "destroy-unreferenced-disks", "skiplock"], destroyVm),
  on("GET /nodes/pve/tasks/*/status", [], taskStatus),
  on("GET /nodes/pve/tasks/*/log", ["start", "limit", "download"], taskLog),
  on("DELETE /nodes/pve/tasks/*", [], stopTask),
];

async function route(state: State, request: Request, line: string, query: Query): Promise<unknown> {
  const { method, headers } = request;
  if (headers.get("transfer-encoding") !== null) {
    return refuse(501, "chunked transfer encoding not supported");
  }
  if (Number(headers.get("content-length") ?? 0) > 0 && method !== "POST" && method !== "PUT") {
    return refuse(501, `Unexpected content for method '${method}'`);
  }
  const found = routes.find(({ pattern }) => pattern.test(line));
  if (found === undefined) return refuse(501, `Method '${line}' not implemented`);
  const match = (found.pattern.exec(line) ?? []).slice(1).map(decodeURIComponent);
  const isUpload = line.endsWith("/upload");
  const body = method === "POST" && !isUpload ? await form(request) : new URLSearchParams();
  const parameters = new URLSearchParams([...query, ...body]);
  if (found.handler !== createVm) {
    refuseUnknown([...parameters.keys()].filter((key) => !found.parameters.includes(key)));
  }
  return await found.handler(state, match, parameters, request);
}

async function form(request: Request): Promise<Query> {
  const text = await request.text();
  const type = request.headers.get("content-type");
  if (text !== "" && type !== "application/x-www-form-urlencoded") {
    return refuse(506, `upload 'Content-Type '${type}' not implemented`);
  }
  return new URLSearchParams(text);
}

function refuseUnknown(keys: readonly string[]): void {
  if (keys.length === 0) return;
  const text = "property is not defined in schema and the schema does not allow additional properties";
  refuse(400, "Parameter verification failed.", Object.fromEntries(keys.map((key) => [key, text])));
}

function need({ rules }: State, path: string, privilege: string): void {
  if (rules.lacks.includes(`${path} ${privilege}`)) {
    refuse(403, `Permission check failed (${path}, ${privilege})`);
  }
}

function permissions({ rules }: State, _: readonly string[], query: Query): unknown {
  const path = query.get("path") ?? "/";
  const all = [
    ...["VM.Allocate", "VM.Audit", "VM.Clone", "VM.Config.CDROM", "VM.Config.CPU", "VM.Config.Cloudinit"],
    ...["VM.Config.Disk", "VM.Config.HWType", "VM.Config.Memory", "VM.Config.Network", "VM.Config.Options"],
    ...["Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit"],
    ...["SDN.Use", "VM.PowerMgmt"],
    rules.version.startsWith("9") ? "VM.GuestAgent.Unrestricted" : "VM.Monitor",
  ].filter((privilege) => !rules.lacks.includes(`${path} ${privilege}`));
  return { [path]: Object.fromEntries(all.map((privilege) => [privilege, 1])) };
}

function nextId({ vms, rules }: State): string {
  let id = 100;
  while (vms.has(id)) id++;
  if (rules.idsTakenMeanwhile-- > 0) {
    vms.set(id, { vmid: id, template: false, config: { name: "faster" } });
  }
  return String(id);
}

function listVms({ vms }: State, _: readonly string[], query: Query): unknown {
  if (query.get("type") !== "vm") {
    refuse(400, "Parameter verification failed.", { type: "value is not ours" });
  }
  return [...vms.values()].map(({ vmid, config, template }) => ({
    ...{ type: "qemu", id: `qemu/${vmid}`, vmid, node: "pve", status: "stopped", template: template ? 1 : 0 },
    ...(config.name !== undefined && { name: config.name }),
  }));
}

const storages = ["local", "local-lvm"];

function storageOf({ rules }: State, storage = ""): { content: string } {
  if (!storages.includes(storage)) refuse(500, `storage '${storage}' does not exist`);
  return { content: storage === "local" ? rules.importContent : "images,rootdir" };
}

function storageStatus(state: State, [storage]: readonly string[]): unknown {
  const { content } = storageOf(state, storage);
  const total = 100 * 1024 ** 3;
  return { content, total, avail: state.rules.availBytes, active: 1, enabled: 1, shared: 0, type: "dir" };
}

function storageContent(state: State, [storage = ""]: readonly string[], query: Query): unknown {
  storageOf(state, storage);
  if (query.get("content") !== "import") return [];
  return [...state.files].filter(([volid]) => volid.startsWith(`${storage}:`))
    .map(([volid, { length }]) => ({ volid, size: length, format: "qcow2", content: "import", ctime: 0 }));
}

function deleteContent(state: State, [storage, volid = ""]: readonly string[]): unknown {
  storageOf(state, storage);
  need(state, `/storage/${storage}`, "Datastore.Allocate");
  if (!state.files.has(volid)) return refuse(500, `volume '${volid}' does not exist`);
  return begin(state, "imgdel", volid, 1, () => {
    state.files.delete(volid);
    return "OK";
  });
}

async function upload(
  state: State,
  [storage = ""]: readonly string[],
  _: Query,
  request: Request,
): Promise<unknown> {
  const sent = await readUpload(request).catch((error) => refuse(501, String(error.message)));
  const { content, filename, checksum, data, ...more } = sent;
  need(state, `/storage/${storage}`, "Datastore.AllocateTemplate");
  refuseUnknown(Object.keys(more).filter((key) => key !== "checksum-algorithm"));
  const known = storageOf(state, storage);
  if (content !== "import") return refuse(400, "Parameter verification failed.", { content: "not tested" });
  if (!/^[a-zA-Z0-9\-.+=_]+\.(ova|qcow2|raw|vmdk)$/.test(filename) || filename.length > 255) {
    const errors = { filename: "invalid filename or wrong extension" };
    return refuse(400, "Parameter verification failed.", errors);
  }
  if (!known.content.split(",").includes("import")) {
    return refuse(500, `storage '${storage}' does not support 'import' content`);
  }
  const stored = state.rules.damagesUploads ? data.slice(1) : data;
  return begin(state, "imgcopy", "", 1, () => {
    const found = createHash("sha256").update(stored).digest("hex");
    if (checksum !== undefined && checksum !== found) {
      return `checksum mismatch: got '${found}' != expect '${checksum}'`;
    }
    state.files.set(`${storage}:import/${filename}`, stored);
    return "OK";
  });
}

function createVm(state: State, _: readonly string[], query: Query): unknown {
  const config = Object.fromEntries(query);
  const problems = createProblems(config);
  if (Object.keys(problems).length > 0) return refuse(400, "Parameter verification failed.", problems);
  const { vmid: id = "", ...rest } = config;
  const vmid = Number(id);
  for (
    const privilege of [
      "VM.Allocate",
      "VM.Config.CPU",
      "VM.Config.Memory",
      "VM.Config.Disk",
      "VM.Config.Options",
    ]
  ) need(state, "/vms", privilege);
  need(state, "/storage/local-lvm", "Datastore.AllocateSpace");
  need(state, "/sdn/zones/localnetwork/vmbr0", "SDN.Use");
  if (state.vms.has(vmid)) {
    return refuse(500, `unable to create VM ${vmid} - VM ${vmid} already exists on node 'pve'`);
  }
  const vm: StandInVm = { vmid, lock: "create", template: false, config: {} };
  state.vms.set(vmid, vm);
  const finish = () => {
    const missing = sourcesOf(rest).find((source) => !state.files.has(source));
    if (missing !== undefined) return `unable to create VM ${vmid} - volume '${missing}' does not exist`;
    delete vm.lock;
    // Notes come back with a line end.
    vm.config = { ...rest, description: `${rest.description}\n` };
    return "OK";
  };
  const task = begin(state, "qmcreate", id, state.rules.createPolls, finish, () => state.vms.delete(vmid));
  return task;
}

function vmOf({ vms }: State, id: string | undefined): StandInVm {
  const problem = `Configuration file 'nodes/pve/qemu-server/${id}.conf' does not exist`;
  return vms.get(Number(id)) ?? refuse(500, problem);
}

function vmConfig(state: State, [id]: readonly string[]): unknown {
  const { config, template, lock } = vmOf(state, id);
  return { ...config, ...(template && { template: 1 }), ...(lock && { lock }), digest: "d" };
}

function toTemplate(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  if (vm.lock !== undefined) return refuse(500, `VM is locked (${vm.lock})`);
  if (vm.template) return refuse(500, "you can't convert a template to a template");
  return begin(state, "qmtemplate", id ?? "", 1, () => {
    vm.template = true;
    return "OK";
  });
}

function cloneVm(state: State, [id]: readonly string[], query: Query): unknown {
  const source = vmOf(state, id);
  const { newid = "", name = "", description = "", full } = Object.fromEntries(query);
  if (!/^[1-9]\d{2,8}$/.test(newid)) {
    return refuse(400, "Parameter verification failed.", {
      newid: "property is missing and it is not optional",
    });
  }
  if (!/^[a-zA-Z0-9][a-zA-Z0-9.-]*$/.test(name)) {
    return refuse(400, "Parameter verification failed.", { name: "invalid format" });
  }
  need(state, "/vms", "VM.Clone");
  need(state, "/vms", "VM.Allocate");
  need(state, "/storage/local-lvm", "Datastore.AllocateSpace");
  if (!source.template || full !== "0") return refuse(500, "a test clones templates only, and links them");
  if (source.lock !== undefined) return refuse(500, `VM is locked (${source.lock})`);
  const vmid = Number(newid);
  if (state.vms.has(vmid)) {
    return refuse(500, `unable to create VM ${vmid}: config file already exists`);
  }
  const vm: StandInVm = {
    ...{ vmid, lock: "clone", template: false },
    config: { description: "qmclone temporary file\n" },
  };
  state.vms.set(vmid, vm);
  const finish = () => {
    delete vm.lock;
    vm.config = { ...source.config, name, description: `${description}\n` };
    return "OK";
  };
  return begin(state, "qmclone", id ?? "", state.rules.clonePolls, finish, () => state.vms.delete(vmid));
}

function startVm(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  need(state, "/vms", "VM.PowerMgmt");
  if (vm.lock !== undefined) return refuse(500, `VM is locked (${vm.lock})`);
  if (vm.running) return refuse(500, `VM ${id} already running`);
  return begin(state, "qmstart", id ?? "", 1, () => {
    if (vm.template) return "you can't start a vm if it's a template";
    vm.running = true;
    return "OK";
  });
}

function stopVm(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  need(state, "/vms", "VM.PowerMgmt");
  return begin(state, "qmstop", id ?? "", 1, () => {
    vm.running = false;
    return "OK";
  });
}

function currentStatus(state: State, [id]: readonly string[]): unknown {
  const { running, vmid, config } = vmOf(state, id);
  const status = running ? "running" : "stopped";
  return { vmid, name: config.name, status, qmpstatus: status, agent: 1, ha: { managed: 0 } };
}

/** The VM whose agent is asked, as PVE::QemuServer::Agent's agent_available looks at it. */
function agentVm(state: State, id: string | undefined): void {
  const vm = vmOf(state, id);
  need(state, "/vms", state.rules.version.startsWith("9") ? "VM.GuestAgent.Unrestricted" : "VM.Monitor");
  if (!/^(enabled=)?1/.test(vm.config.agent ?? "")) refuse(500, "No QEMU guest agent configured");
  if (!vm.running) refuse(500, `VM ${id} is not running`);
}

const saying = <T>(work: Promise<T>) => work.catch((error: Error) => refuse(500, error.message));

async function agentPing(state: State, [id]: readonly string[]): Promise<unknown> {
  agentVm(state, id);
  await saying(state.agents.ping());
  return { result: {} };
}

async function agentExec(state: State, [id]: readonly string[], query: Query): Promise<unknown> {
  agentVm(state, id);
  const input = query.get("input-data") ?? undefined;
  const command = query.getAll("command");
  if (command.length === 0) {
    return refuse(400, "Parameter verification failed.", {
      command: "property is missing and it is not optional",
    });
  }
  if ((input?.length ?? 0) > 64 * 1024) {
    return refuse(400, "Parameter verification failed.", {
      "input-data": "value may only be 65536 characters long",
    });
  }
  return await saying(state.agents.exec(command, input));
}

async function agentExecStatus(state: State, [id]: readonly string[], query: Query): Promise<unknown> {
  agentVm(state, id);
  return await saying(state.agents.execStatus(Number(query.get("pid"))));
}

function destroyVm(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  if (vm.running) return refuse(500, `VM ${id} is running - destroy failed`);
  if (vm.lock !== undefined) return refuse(500, `VM is locked (${vm.lock})`);
  return begin(state, "qmdestroy", id ?? "", 1, () => {
    state.vms.delete(vm.vmid);
    return "OK";
  });
}

function begin(
  state: State,
  type: string,
  id: string,
  polls: number,
  work: () => string,
  undo: () => void = () => {},
): string {
  const upid = `UPID:pve:0012AB34:0056CD78:${(0x68000000 + state.tasks.size).toString(16)}:${type}:` +
    `${id.replace(/[^\w.-]/g, "")}:${tokenId}:`;
  const finish = () => {
    const failure = state.rules.taskFails[type];
    delete state.rules.taskFails[type];
    if (failure === undefined) return work();
    undo();
    return failure;
  };
  state.tasks.set(upid, { upid, polls, log: [`begin ${type}`], finish, interrupted: undo });
  return upid;
}

function taskOf({ tasks }: State, upid = ""): Task {
  return tasks.get(upid) ?? refuse(500, "no such task");
}

function taskStatus(state: State, [upid]: readonly string[]): unknown {
  const task = taskOf(state, upid);
  if (task.exitstatus === undefined) {
    task.polls--;
    task.log.push(`transferred 1.0 MiB of 2.0 MiB (${task.polls <= 0 ? "100.00" : "50.00"}%)`);
    if (task.polls <= 0) task.exitstatus = task.finish();
  }
  const { exitstatus } = task;
  return {
    ...{ upid, node: "pve", type: "x", status: exitstatus === undefined ? "running" : "stopped" },
    ...(exitstatus !== undefined && { exitstatus }),
  };
}

function taskLog(state: State, [upid]: readonly string[], query: Query): unknown {
  return taskOf(state, upid).log.map((t, index) => ({ n: index + 1, t }))
    .slice(Number(query.get("start") ?? 0));
}

function stopTask(state: State, [upid]: readonly string[]): null {
  const task = taskOf(state, upid);
  if (task.exitstatus === undefined) {
    task.exitstatus = "interrupted by signal";
    task.interrupted();
  }
  return null;
}
