import { randomBytes } from "node:crypto";
import { PimError } from "../../errors.ts";
import { connectAgent } from "../../qemu/agent.ts";
import { addAuthorizedKeys, thawFilesystems } from "../../qemu/agent_commands.ts";
import { loadState } from "../../qemu/migration.ts";
import { refreshGuest } from "../../qemu/resumed_guest.ts";
import { freePort, startOnFreePort } from "../../qemu/ports.ts";
import type { StepContext } from "../chain.ts";
import { logIn } from "../guest/log_in.ts";
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
  await using agent = await connectAgent(workspace.runtime.agent, { timeoutMs: agentTimeoutMs, signal });
  await thawFilesystems(agent, { signal });
  if (plan.profile.password === undefined) {
    await addAuthorizedKeys(agent, plan.sshUser, [state.buildKey.publicKey], { signal });
  }
  const [ssh] = await Promise.all([
    logIn(withDeadline(state, loginMinutes), machine, hostPort, context).then((ssh) => attempt.use(ssh)),
    // All that go on from this memory would have the same random numbers.
    refreshGuest(agent, { timeMs: Date.now(), seed: randomBytes(64), signal }),
  ]);
  context.undo.use(attempt.move());
  return { ...state, machine, ssh, sshPort: hostPort, diskNode: "disk0" };
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

function withDeadline(state: Installed, sshTimeoutMinutes: number): Installed {
  const { plan } = state;
  const build = { ...plan.profile.build, sshTimeoutMinutes };
  return { ...state, plan: { ...plan, profile: { ...plan.profile, build } } };
}
