import * as v from "valibot";
import { messageOf, PimError } from "../../errors.ts";
import type { TargetCheck } from "../target.ts";
import type { PveApi } from "./api.ts";
import type { ProxmoxSettings } from "./settings.ts";

const flag = v.union([v.number(), v.boolean()]);

/** How the API describes a storage of a node. */
export const storageSchema = v.object({
  content: v.string(),
  avail: v.optional(v.number()),
  active: v.optional(flag, 1),
  enabled: v.optional(flag, 1),
});

const versionSchema = v.object({ version: v.string() });
const nodesSchema = v.array(v.object({ node: v.string(), status: v.optional(v.string(), "unknown") }));
const permissionsSchema = v.record(v.string(), v.record(v.string(), flag));

// In 8.4 the API began to take qcow2 and raw as content of type import.
const firstVersion = [8, 4] as const;

/**
 * Looks at all that a deployment needs of the API; the first thing that cannot be asked for ends the list, and so does a
 * node that cannot be asked for anything.
 */
export async function apiChecks(
  api: PveApi,
  settings: ProxmoxSettings,
  wants: { readonly verify: boolean },
): Promise<readonly TargetCheck[]> {
  const checks: TargetCheck[] = [];
  const { storage, import_storage } = settings;
  const steps: readonly (() => Promise<TargetCheck>)[] = [
    () => versionCheck(api),
    () => nodeCheck(api, settings.node ?? ""),
    () => storageCheck(api, settings.node ?? "", storage, "images"),
    () => storageCheck(api, settings.node ?? "", import_storage, "import"),
    () => permissionCheck(api, settings, wants),
  ];
  try {
    for (const step of steps) {
      const found = await step();
      checks.push(found);
      if (found.name === "node" && !found.ok) break;
    }
  } catch (error) {
    if (!(error instanceof PimError) || error.name === "CancelledError") throw error;
    const { hint } = error;
    checks.push({ name: "API", ok: false, detail: messageOf(error), ...(hint !== undefined && { hint }) });
  }
  return checks;
}

async function versionCheck(api: PveApi): Promise<TargetCheck> {
  const { version } = await api.get("/version", versionSchema);
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const ok = major > firstVersion[0] || major === firstVersion[0] && minor >= firstVersion[1];
  return {
    ...{ name: "version", ok, detail: `Proxmox VE ${version}` },
    ...(!ok &&
      { hint: `Disks can be uploaded since ${firstVersion.join(".")}; take mode: ssh in targets.d.` }),
  };
}

async function nodeCheck(api: PveApi, node: string): Promise<TargetCheck> {
  const nodes = await api.get("/nodes", nodesSchema);
  const found = nodes.find((each) => each.node === node);
  const ok = found?.status === "online";
  const names = nodes.map((each) => each.node).join(", ");
  return {
    ...{ name: "node", ok, detail: `${node} is ${found?.status ?? "not in the cluster"}` },
    ...(!ok && { hint: `Set node in targets.d to one of: ${names}` }),
  };
}

async function storageCheck(
  api: PveApi,
  node: string,
  storage: string,
  content: string,
): Promise<TargetCheck> {
  const found = await api.get(`/nodes/${node}/storage/${storage}/status`, storageSchema);
  const usable = Number(found.active) === 1 && Number(found.enabled) === 1;
  const fits = found.content.split(",").includes(content);
  const free = found.avail === undefined ? "" : `, ${Math.floor(found.avail / 1024 ** 3)} GiB free`;
  return {
    name: `storage ${storage}`,
    ok: usable && fits,
    detail: usable ? `holds ${found.content}${free}` : "is not active",
    ...(!fits && {
      hint: `Add the content type: pvesm set ${storage} --content ${found.content},${content}`,
    }),
  };
}

async function permissionCheck(
  api: PveApi,
  settings: ProxmoxSettings,
  { verify }: { readonly verify: boolean },
): Promise<TargetCheck> {
  const missing: string[] = [];
  const more = verify ? await instancePrivileges(api) : [];
  for (const [path, privileges] of neededPrivileges(settings, more)) {
    const found = (await api.get("/access/permissions", permissionsSchema, { path }))[path] ?? {};
    const lacking = privileges.filter((each) => !(each in found));
    if (lacking.length > 0) missing.push(`${path}: ${lacking.join(" ")}`);
  }
  if (missing.length === 0) return { name: "privileges", ok: true, detail: "the token has all of them" };
  return {
    ...{ name: "privileges", ok: false, detail: `the token lacks ${missing.join("; ")}` },
    hint: "Give them to a role of the token: pveum acl modify PATH --tokens TOKEN --roles ROLE",
  };
}

/** What clones, starts and asks a VM; since 9 the guest agent has a privilege of its own. */
async function instancePrivileges(api: PveApi): Promise<readonly string[]> {
  const { version } = await api.get("/version", versionSchema);
  const agent = Number(version.split(".")[0]) >= 9 ? "VM.GuestAgent.Unrestricted" : "VM.Monitor";
  return ["VM.Clone", "VM.PowerMgmt", agent];
}

function neededPrivileges(
  { storage, import_storage, bridge, pool, cloud_init }: ProxmoxSettings,
  more: readonly string[],
): readonly (readonly [string, readonly string[]])[] {
  const config = ["CPU", "Disk", "HWType", "Memory", "Network", "Options"];
  const drives = cloud_init ? ["CDROM", "Cloudinit"] : [];
  return [
    [
      pool === undefined ? "/vms" : `/pool/${pool}`,
      ["VM.Allocate", "VM.Audit", ...[...config, ...drives].map((each) => `VM.Config.${each}`), ...more],
    ],
    [`/storage/${storage}`, ["Datastore.AllocateSpace", "Datastore.Audit"]],
    // Allocate is for the removal of the file when the disk is made.
    [`/storage/${import_storage}`, ["Datastore.AllocateTemplate", "Datastore.Allocate", "Datastore.Audit"]],
    // A network of another name is in a zone that only its makers know.
    ...(/^vmbr\d+$/.test(bridge) ? [[`/sdn/zones/localnetwork/${bridge}`, ["SDN.Use"]] as const] : []),
  ];
}
