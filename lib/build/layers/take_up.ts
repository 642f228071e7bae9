import { randomBytes } from "node:crypto";
import { messageOf, PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { type AgentClient, connectAgent } from "../../qemu/agent.ts";
import { addAuthorizedKeys, setGuestTime, thawFilesystems } from "../../qemu/agent_commands.ts";
import { writeGuestFile } from "../../qemu/agent_files.ts";
import type { Machine } from "../../qemu/machine.ts";
import { loadState } from "../../qemu/migration.ts";
import { freePort, startOnFreePort } from "../../qemu/ports.ts";
import type { StepContext } from "../chain.ts";
import { logIn } from "../log_in.ts";
import { buildMachine } from "../machine.ts";
import type { Installed, Reachable } from "../states.ts";
import { userDigester } from "./digest.ts";
import { type KeptLayer, type MemoryRecord, stampOf } from "./record.ts";
import { machineFingerprint } from "./warm.ts";

// It answered when it was frozen, and has nothing to start.
const agentTimeoutMs = 15_000;
// A system that runs already answers in a moment, even an emulated one.
const loginMinutes = 1;

/**
 * Lets the machine that was saved with a layer run on, in a new QEMU and over the build's own disk; throws when
 * anything is amiss, and leaves nothing running then.
 */
export async function takeUpMachine(
  state: Installed,
  layer: KeptLayer,
  memory: MemoryRecord,
  context: StepContext,
): Promise<Reachable> {
  await checkMemory(state, layer, memory);
  const { plan, host, workspace } = state;
  const { signal, progress } = context;
  await using attempt = new AsyncDisposableStack();
  progress("taking up the machine's memory");
  const { machine, hostPort } = await startOnFreePort(
    host,
    (sshPort) => buildMachine(state, { sshPort, incoming: true }),
    { signal, findPort: () => plan.sshPort || freePort() },
  );
  attempt.use(machine);
  await loadState(machine.qmp, {
    socket: workspace.runtime.migration,
    file: layer.files.memory,
    signal,
    ended: machine.ended,
  });
  await machine.qmp.execute("cont", {}, { signal });
  await wakeGuest(state, memory, signal);
  const quick: Installed = {
    ...state,
    plan: {
      ...plan,
      profile: { ...plan.profile, build: { ...plan.profile.build, sshTimeoutMinutes: loginMinutes } },
    },
  };
  const ssh = attempt.use(await logIn(quick, machine, hostPort, context));
  context.undo.use(attempt.move());
  return { ...state, machine: machine as Machine, ssh, sshPort: hostPort, diskNode: "disk0" };
}

async function checkMemory(state: Installed, { files }: KeptLayer, memory: MemoryRecord): Promise<void> {
  const now = await stampOf(files.memory);
  if (now.bytes !== memory.bytes || now.mtimeMs !== memory.mtimeMs) {
    throw new PimError("its memory was changed after it was saved");
  }
  const fingerprint = machineFingerprint(state, await userDigester(state.plan.config.paths));
  if (fingerprint !== memory.fingerprint) {
    throw new PimError("QEMU or its arguments are not those that it ran with");
  }
}

/** Thaws a guest, tells it the time, and lets its random numbers differ from those of all others of the same memory. */
async function wakeGuest(state: Installed, memory: MemoryRecord, signal: AbortSignal): Promise<void> {
  const { workspace, plan, buildKey } = state;
  let agent: AgentClient;
  try {
    agent = await connectAgent(workspace.runtime.agent, { timeoutMs: agentTimeoutMs, signal });
  } catch (error) {
    if (memory.frozen) throw error;
    log.debug(`No guest agent to set the clock: ${messageOf(error)}`);
    return;
  }
  await using _agent = agent;
  if (memory.frozen) await thawFilesystems(agent, { signal });
  await setGuestTime(agent, Date.now(), { signal });
  // Where QEMU has a generation id the kernel has mixed that in already; this helps the others.
  await writeGuestFile(agent, "/dev/urandom", randomBytes(256), { signal });
  if (plan.profile.password === undefined) {
    await addAuthorizedKeys(agent, plan.sshUser, [buildKey.publicKey], { signal });
  }
}
