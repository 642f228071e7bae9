import { agentExec, agentExecStatus, agentPing } from "./proxmox_agent.ts";
import { refuse, refuseUnknown } from "./proxmox_refusal.ts";
import type { Handler, Query, State } from "./proxmox_state.ts";
import { cloneVm, currentStatus, startVm, stopVm } from "./proxmox_running.ts";
import { deleteContent, storageContent, storageStatus, upload } from "./proxmox_storage.ts";
import { stopTask, taskLog, taskStatus } from "./proxmox_tasks.ts";
import { createVm, destroyVm, listVms, nextId, toTemplate, vmConfig } from "./proxmox_vms.ts";

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

/** Answers a request "METHOD path" as the API would; refuses what it does not know. */
export async function route(state: State, request: Request, line: string, query: Query): Promise<unknown> {
  const { method, headers } = request;
  if (headers.get("transfer-encoding") !== null) {
    return refuse(501, "chunked transfer encoding not supported");
  }
  if (Number(headers.get("content-length") ?? 0) > 0 && method !== "POST" && method !== "PUT") {
    return refuse(501, `Unexpected content for method '${method}'`);
  }
  const node = /^\S+ \/nodes\/([^/]+)\//.exec(line)?.[1] ?? "pve";
  if (node !== "pve") {
    const why = `failed to get address info for: ${node}: Name or service not known`;
    return refuse(500, `hostname lookup '${node}' failed - ${why}`);
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
