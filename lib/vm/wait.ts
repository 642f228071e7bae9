import { exitCode, PimError } from "../errors.ts";
import type { MachineEnd } from "../qemu/machine.ts";
import { MachineDiedError } from "../qemu/machine.ts";
import { awaitBanner } from "./login/await_ssh.ts";
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
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const { vm, record, ended } = started;
  const died = new AbortController();
  const onEnd = (end: MachineEnd) => died.abort(new MachineDiedError(vm.name, end, record.argv));
  void ended.then(onEnd);
  const signal = AbortSignal.any([options.signal, died.signal]);
  try {
    if (what === "agent") await waitForAgent(places, vm, options.timeoutMs, signal);
    else await waitForSshBanner(started, options.timeoutMs, signal);
  } catch (error) {
    throw died.signal.aborted ? died.signal.reason : error;
  }
}

async function waitForAgent(
  places: VmPlaces,
  vm: RunningVm,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    await withAgent(places, vm, () => Promise.resolve(), { timeoutMs, signal });
  } catch (error) {
    if (!(error instanceof AgentMissingError)) throw error;
    throw new PimError(error.message, { cause: error, hint: error.hint, exitCode: exitCode.timeout });
  }
}

async function waitForSshBanner(
  { vm, record }: StartedVm,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  if (record.sshPort === undefined) {
    throw new PimError(`${vm.name} is in the host's network, and pim does not know its address yet`, {
      hint: `Wait for the agent instead: --wait agent, then pim ip ${vm.name}`,
    });
  }
  await awaitBanner(vm, { host: "127.0.0.1", port: record.sshPort }, { timeoutMs, signal });
}
