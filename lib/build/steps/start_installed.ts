import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { freePort, startOnFreePort } from "../../qemu/ports.ts";
import { removeIfThere } from "../../files.ts";
import type { Step, StepContext } from "../chain.ts";
import { startPoint } from "../layers/keys.ts";
import { dropMemory } from "../layers/store.ts";
import { takeUpMachine } from "../layers/take_up.ts";
import { admitBuildKey } from "../guest/admission.ts";
import { logIn } from "../guest/log_in.ts";
import { buildMachine } from "../machine.ts";
import type { Installed, Reachable } from "../states.ts";
import { layDisk } from "./take_layer.ts";

/** Gets the installed system running, from a layer's memory or from its disk, and waits until it lets us in over SSH. */
export const startInstalled: Step<Installed, Reachable> = {
  name: startPoint,
  async run(state, context) {
    const reached = await takeUp(state, context) ?? await boot(state, context);
    const { ssh } = reached;
    context.progress(
      `logged in as ${ssh.username} with the ${ssh.authenticatedBy === "key" ? "build key" : "password"}`,
    );
    return reached;
  },
};

/** The running system of a layer; undefined when there is none, when none is wanted, or when it could not be had. */
async function takeUp(state: Installed, context: StepContext): Promise<Reachable | undefined> {
  const { from, plan } = state;
  if (from?.memory === undefined || !plan.profile.build.warm) return undefined;
  try {
    return await takeUpMachine(state, from, from.memory, context);
  } catch (error) {
    context.signal.throwIfAborted();
    log.warn(`The machine that was kept after ${from.step} cannot go on, so it boots: ${messageOf(error)}`);
    await dropMemory(plan.config.paths, from.id);
    return undefined;
  }
}

async function boot(before: Installed, context: StepContext): Promise<Reachable> {
  const { plan, host, workspace } = before;
  const state = before.from === undefined ? before : await cleanDisk(before, before.from, context.signal);
  const { machine, hostPort } = await startOnFreePort(
    host,
    (sshPort) => buildMachine(state, { sshPort }),
    { signal: context.signal, findPort: () => plan.sshPort || freePort() },
  );
  context.undo.use(machine);
  await using _admission = needsAdmission(state)
    ? admitBuildKey(workspace.runtime.agent, plan.sshUser, state.buildKey, context.signal)
    : undefined;
  const ssh = context.undo.use(await logIn(state, machine, hostPort, context, needsAdmission(state)));
  return { ...state, machine, ssh, sshPort: hostPort, diskNode: "disk0" };
}

/** The system of a layer knows the key of another build. */
function needsAdmission({ from, plan }: Installed): boolean {
  return from !== undefined && plan.profile.password === undefined;
}

/** A machine that could not go on may have written to the disk before that. */
async function cleanDisk(
  state: Installed,
  from: NonNullable<Installed["from"]>,
  signal: AbortSignal,
): Promise<Installed> {
  if (from.memory === undefined) return state;
  await removeIfThere(state.disk);
  return { ...state, ...await layDisk(state, from, signal) };
}
