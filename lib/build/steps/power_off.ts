import { exitCode, messageOf, PimError } from "../../errors.ts";
import { connectAgent } from "../../qemu/agent.ts";
import { shutdownGuest } from "../../qemu/agent_commands.ts";
import { type Machine, MachineDiedError, type MachineEnd } from "../../qemu/machine.ts";
import type { QmpEvent } from "../../qemu/qmp.ts";
import { SshError } from "../../ssh/errors.ts";
import type { Step, StepContext } from "../chain.ts";
import { readEvent } from "../diagnosis/machine_life.ts";
import { takePicture } from "../diagnosis/picture.ts";
import { findRootWay } from "../guest/root.ts";
import type { Inventoried, PoweredOff, Reachable } from "../states.ts";

interface Way {
  readonly name: string;
  readonly ask: (state: Reachable, signal: AbortSignal) => Promise<unknown>;
  /** How long the guest may take once it was asked. */
  readonly patienceMs: number;
}

// In this order: the agent is asked by name, ACPI is a button that a guest may ignore, SSH needs sudo.
const ways: readonly Way[] = [
  {
    name: "the guest agent",
    ask: (state, signal) => askAgent(state.workspace.runtime.agent, signal),
    patienceMs: 120_000,
  },
  { name: "ACPI", ask: ({ machine }) => machine.qmp.execute("system_powerdown"), patienceMs: 30_000 },
  { name: "SSH", ask: askOverSsh, patienceMs: 120_000 },
];

/** A guest that none of the ways could power off. */
export class PowerOffError extends PimError {
  override readonly name = "PowerOffError";
}

/** Powers the system off in good order and waits for QEMU to end. */
export const powerOff: Step<Inventoried, PoweredOff> = {
  name: "power off",
  async run(state, context) {
    await using shutdowns = state.machine.qmp.events(["SHUTDOWN"]);
    const tried: string[] = [];
    for (const way of ways) {
      const failed = await tryWay(way, state, context);
      if (failed === undefined) {
        const { machine, ssh, ...rest } = state;
        const end = await endOf(machine, shutdowns);
        // A QEMU that crashed or was killed has ended too, with a disk that may lack what the guest had not written yet.
        if (end.code !== 0 || end.signal !== null) {
          throw new MachineDiedError(state.plan.name, end, machine.argv);
        }
        await ssh[Symbol.asyncDispose]();
        await machine[Symbol.asyncDispose]();
        return rest;
      }
      tried.push(`${way.name}: ${failed}`);
      context.progress(`not through ${way.name}: ${failed}`);
    }
    await takePicture(state.machine.qmp, state.workspace.files.screenshot);
    throw new PowerOffError(`The guest did not power off. ${tried.join("; ")}`, {
      exitCode: exitCode.timeout,
      hint: "Does a service refuse to end? Look at the end of serial.log in the build's folder.",
    });
  },
};

/** How QEMU has ended: on a signal it ends as well-behaved as when its guest powers off, and only an event tells. */
async function endOf({ ended }: Machine, shutdowns: AsyncIterator<QmpEvent>): Promise<MachineEnd> {
  const end = await ended;
  const { value, done } = await shutdowns.next();
  const bySignal = !done && readEvent(value).shutdown === "host-signal";
  return bySignal ? { ...end, signal: "a signal" } : end;
}

/** Why a way did not work, or undefined when QEMU has ended. */
async function tryWay(
  way: Way,
  state: Reachable,
  { signal, progress }: StepContext,
): Promise<string | undefined> {
  progress(`asking through ${way.name}`);
  try {
    await way.ask(state, signal);
  } catch (error) {
    signal.throwIfAborted();
    // The guest may have gone while it was being asked. Its sshd goes first, and seldom gets to say how a command ended
    // that ends sshd too.
    const maybeHeard = error instanceof SshError && (error.kind === "lost" || error.kind === "timeout");
    if (await endsWithin(state.machine, maybeHeard ? way.patienceMs : 2_000, signal)) return undefined;
    return messageOf(error);
  }
  if (await endsWithin(state.machine, way.patienceMs, signal)) return undefined;
  return `no answer within ${way.patienceMs / 1000} s`;
}

async function askAgent(socket: string, signal: AbortSignal): Promise<void> {
  await using agent = await connectAgent(socket, { timeoutMs: 10_000, signal });
  await shutdownGuest(agent, { signal });
}

// A small system without D-Bus refuses the command, but systemd itself always heeds this signal (systemd(1), Signals).
const powerOffCommand = "sh -c 'poweroff || kill -s RTMIN+4 1'";

async function askOverSsh({ ssh, plan }: Reachable, signal: AbortSignal): Promise<void> {
  const root = await findRootWay(ssh, plan.profile, signal);
  const { code, stderr } = await ssh.exec(`${root.prefix}${powerOffCommand}`, {
    ...(root.stdin !== undefined && { stdin: root.stdin }),
    signal,
    timeoutMs: 10_000,
  });
  if (code !== 0 && code !== null) throw new PimError(`poweroff exited with ${code}: ${stderr.trim()}`);
}

async function endsWithin(machine: Machine, ms: number, signal: AbortSignal): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ms);
  const stopped = () => late.reject(signal.reason);
  signal.addEventListener("abort", stopped, { once: true });
  try {
    return await Promise.race([machine.ended.then(() => true), late.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stopped);
  }
}
