import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { shutdownGuest } from "../../qemu/agent_commands.ts";
import type { QmpClient } from "../../qemu/qmp.ts";
import { isGoneWithin } from "../gone.ts";
import { withAgent, withMonitor } from "../monitor.ts";
import type { VmDirs } from "../places.ts";
import { isAgentThere, runState } from "../run_state.ts";
import type { RunningVm } from "../vms.ts";

/** How a guest came to power off: asked through its agent or the power button, or of its own. */
export type GuestWay = "guest agent" | "power button" | "guest";

/** Options of {@linkcode askGuest}. */
export interface AskOptions {
  /** How long the guest may take in all. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (text: string) => void;
}

// For an agent to answer at all. One that has not opened its channel is not waited for.
const agentTimeoutMs = 3000;
const monitorTimeoutMs = 3000;
// Until it is asked again: a guest that is still starting hears neither agent nor button.
const patienceMs = { "guest agent": 20_000, "power button": 10_000, guest: 1000 } as const;

/** Asks a guest to power off until its QEMU is gone; undefined when it is not in time, or can hear nothing. */
export async function askGuest(
  dirs: VmDirs,
  vm: RunningVm,
  options: AskOptions,
): Promise<GuestWay | undefined> {
  const { timeoutMs, signal, onProgress } = options;
  const endMs = performance.now() + timeoutMs;
  const leftMs = () => endMs - performance.now();
  let last: GuestWay = "guest";
  while (leftMs() > 0) {
    const way = await askOnce(dirs, vm, last, options);
    if (way === "deaf") return undefined;
    if (way !== "guest") last = way;
    if (await isGoneWithin(vm, Math.min(patienceMs[way], leftMs()), signal)) return last;
  }
  onProgress?.(`it did not power off within ${timeoutMs / 1000} s`);
  return undefined;
}

/** Asks once; "guest" when it could not be asked, "deaf" when it never can. */
async function askOnce(
  dirs: VmDirs,
  vm: RunningVm,
  last: GuestWay,
  { signal, onProgress }: AskOptions,
): Promise<GuestWay | "deaf"> {
  const limits = { timeoutMs: monitorTimeoutMs, signal };
  const press = async (qmp: QmpClient) => {
    onProgress?.("pressing the power button");
    await qmp.execute("system_powerdown", {}, limits);
    return "power button" as const;
  };
  try {
    const way = await withMonitor(vm, async (qmp) => {
      if (!(await makeHear(qmp, vm, { ...limits, onProgress }))) return "deaf";
      // An agent that has obeyed once has done what it can.
      return last !== "guest agent" && await isAgentThere(qmp, limits) ? "guest agent" : await press(qmp);
    }, limits);
    if (way !== "guest agent" || await askAgent(dirs, vm, { signal, onProgress })) return way;
    return await withMonitor(vm, press, limits);
  } catch (error) {
    tell(error, onProgress);
    // The agent has a line of its own: another program may have taken the monitor for itself.
    return last === "guest" && await askAgent(dirs, vm, { signal, onProgress }) ? "guest agent" : "guest";
  }
}

/** Makes a guest go on that was stopped; says whether it hears anything now. */
async function makeHear(
  qmp: QmpClient,
  vm: RunningVm,
  { timeoutMs, signal, onProgress }: AskOptions,
): Promise<boolean> {
  const state = await runState(qmp, { timeoutMs, signal });
  if (["guest-panicked", "internal-error", "shutdown", "inmigrate"].includes(state)) {
    onProgress?.(`its guest cannot be asked: ${vm.name} is in the state ${state}`);
    return false;
  }
  if (state === "running") return true;
  onProgress?.(`letting it go on: it was in the state ${state}`);
  await qmp.execute(state === "suspended" ? "system_wakeup" : "cont", {}, { timeoutMs, signal });
  return true;
}

/** Whether the agent was there and did not refuse. */
async function askAgent(
  dirs: VmDirs,
  vm: RunningVm,
  { signal, onProgress }: Omit<AskOptions, "timeoutMs">,
): Promise<boolean> {
  onProgress?.("asking the guest agent");
  try {
    await withAgent(dirs, vm, (agent) => shutdownGuest(agent, { signal }), {
      timeoutMs: agentTimeoutMs,
      signal,
    });
    return true;
  } catch (error) {
    tell(error, onProgress);
    return false;
  }
}

function tell(error: unknown, onProgress: AskOptions["onProgress"]): void {
  if (!(error instanceof PimError) || error instanceof CancelledError) throw error;
  onProgress?.(messageOf(error));
}
