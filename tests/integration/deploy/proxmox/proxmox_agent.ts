import { need, refuse } from "./proxmox_refusal.ts";
import type { Query, State } from "./proxmox_state.ts";
import { vmOf } from "./proxmox_vms.ts";

/** The VM whose agent is asked, as PVE::QemuServer::Agent's agent_available looks at it. */
function agentVm(state: State, id: string | undefined): void {
  const vm = vmOf(state, id);
  need(state, "/vms", state.rules.version.startsWith("9") ? "VM.GuestAgent.Unrestricted" : "VM.Monitor");
  if (!/^(enabled=)?1/.test(vm.config.agent ?? "")) refuse(500, "No QEMU guest agent configured");
  if (!vm.running) refuse(500, `VM ${id} is not running`);
}

const saying = <T>(work: Promise<T>) => work.catch((error: Error) => refuse(500, error.message));

/** POST /nodes/{node}/qemu/{vmid}/agent/ping */
export async function agentPing(state: State, [id]: readonly string[]): Promise<unknown> {
  agentVm(state, id);
  await saying(state.agents.ping());
  return { result: {} };
}

/** POST /nodes/{node}/qemu/{vmid}/agent/exec */
export async function agentExec(state: State, [id]: readonly string[], query: Query): Promise<unknown> {
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

/** GET /nodes/{node}/qemu/{vmid}/agent/exec-status */
export async function agentExecStatus(state: State, [id]: readonly string[], query: Query): Promise<unknown> {
  agentVm(state, id);
  return await saying(state.agents.execStatus(Number(query.get("pid"))));
}
