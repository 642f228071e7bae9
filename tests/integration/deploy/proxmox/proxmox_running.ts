import { need, refuse } from "./proxmox_refusal.ts";
import type { Query, StandInVm, State } from "./proxmox_state.ts";
import { begin } from "./proxmox_tasks.ts";
import { vmOf } from "./proxmox_vms.ts";

/** POST /nodes/{node}/qemu/{vmid}/clone */
export function cloneVm(state: State, [id]: readonly string[], query: Query): unknown {
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

/** POST /nodes/{node}/qemu/{vmid}/status/start */
export function startVm(state: State, [id]: readonly string[]): unknown {
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

/** POST /nodes/{node}/qemu/{vmid}/status/stop */
export function stopVm(state: State, [id]: readonly string[]): unknown {
  const vm = vmOf(state, id);
  need(state, "/vms", "VM.PowerMgmt");
  return begin(state, "qmstop", id ?? "", 1, () => {
    vm.running = false;
    return "OK";
  });
}

/** GET /nodes/{node}/qemu/{vmid}/status/current */
export function currentStatus(state: State, [id]: readonly string[]): unknown {
  const { running, vmid, config } = vmOf(state, id);
  const status = running ? "running" : "stopped";
  return { vmid, name: config.name, status, qmpstatus: status, agent: 1, ha: { managed: 0 } };
}
