import { exitCode, PimError } from "../errors.ts";
import type { MachineEnd } from "../qemu/machine.ts";
import { MachineDiedError } from "../qemu/machine.ts";
import type { WaitLimits } from "./guest/guest_address.ts";
import { awaitBanner } from "./login/await_ssh.ts";
import { sshAddress } from "./login/ssh.ts";
import type { VmPlaces } from "./places.ts";
import { AgentMissingError, withAgent } from "./monitor.ts";
import type { StartedVm } from "./start.ts";
import type { RunningVm } from "./vms.ts";

/** What to wait for after a start. */
export type WaitFor = "ssh" | "agent";

/** Waits until SSH or the guest agent of a VM answers; when its QEMU ends meanwhile, that is the error. */
export async function waitForGuest(
  places: VmPlaces,
  started: StartedVm,
  what: WaitFor,
  options: WaitLimits,
): Promise<void> {
  const { vm, record, ended } = started;
  const died = new AbortController();
  const onEnd = (end: MachineEnd) => died.abort(new MachineDiedError(vm.name, end, record.argv));
  void ended.then(onEnd);
  const limits = { ...options, signal: AbortSignal.any([options.signal, died.signal]) };
  try {
    if (what === "agent") await waitForAgent(places, vm, limits);
    else await awaitBanner(vm, await sshAddress(places, vm, record, limits), limits);
  } catch (error) {
    throw died.signal.aborted ? died.signal.reason : error;
  }
}

async function waitForAgent(places: VmPlaces, vm: RunningVm, limits: WaitLimits): Promise<void> {
  try {
    await withAgent(places, vm, () => Promise.resolve(), limits);
  } catch (error) {
    if (!(error instanceof AgentMissingError)) throw error;
    throw new PimError(error.message, { cause: error, hint: error.hint, exitCode: exitCode.timeout });
  }
}
