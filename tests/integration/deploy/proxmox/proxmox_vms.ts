import { createProblems, sourcesOf } from "./proxmox_parameters.ts";
import { need, refuse } from "./proxmox_refusal.ts";
import type { Query, StandInVm, State } from "./proxmox_state.ts";
import { begin } from "./proxmox_tasks.ts";

/** GET /cluster/nextid */
export function nextId({ vms, rules }: State): string {
  let id = 100;
  while (vms.has(id)) id++;
  if (rules.idsTakenMeanwhile-- > 0) {
    vms.set(id, { vmid: id, template: false, config: { name: "faster" } });
  }
  return String(id);
}

/** GET /cluster/resources */
export function listVms({ vms }: State, _: readonly string[], query: Query): unknown {
  if (query.get("type") !== "vm") {
    refuse(400, "Parameter verification failed.", { type: "value is not ours" });
  }
  return [...vms.values()].map(({ vmid, config, template }) => ({
    ...{ type: "qemu", id: `qemu/${vmid}`, vmid, node: "pve", status: "stopped", template: template ? 1 : 0 },
    ...(config.name !== undefined && { name: config.name }),
  }));
}

/** POST /nodes/{node}/qemu */
export function createVm(state: State, _: readonly string[], query: Query): unknown {
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

/** The VM with an id; refuses others. */
export function vmOf({ vms }: State, id: string | undefined): StandInVm {
  const problem = `Configuration file 'nodes/pve/qemu-server/${id}.conf' does not exist`;
  return vms.get(Number(id)) ?? refuse(500, problem);
}

/** GET /nodes/{node}/qemu/{vmid}/config */
export function vmConfig(state: State, [id]: readonly string[]): unknown {
  const { config, template, lock } = vmOf(state, id);
  return { ...config, ...(template && { template: 1 }), ...(lock && { lock }), digest: "d" };
}

/** POST /nodes/{node}/qemu/{vmid}/template */
export function toTemplate(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  if (vm.lock !== undefined) return refuse(500, `VM is locked (${vm.lock})`);
  if (vm.template) return refuse(500, "you can't convert a template to a template");
  return begin(state, "qmtemplate", id ?? "", 1, () => {
    vm.template = true;
    return "OK";
  });
}

/** DELETE /nodes/{node}/qemu/{vmid} */
export function destroyVm(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  if (vm.running) return refuse(500, `VM ${id} is running - destroy failed`);
  if (vm.lock !== undefined) return refuse(500, `VM is locked (${vm.lock})`);
  return begin(state, "qmdestroy", id ?? "", 1, () => {
    state.vms.delete(vm.vmid);
    return "OK";
  });
}
