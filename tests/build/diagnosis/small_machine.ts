import { type Machine, startMachine } from "../../../lib/qemu/machine.ts";
import type { HostReady } from "../../../lib/build/states.ts";
import { places } from "../places.ts";
import { hostReady, smallConfig } from "../states.ts";

/** A build with a machine that does nothing, whose serial log the test writes. */
export interface SmallMachine extends HostReady, AsyncDisposable {
  readonly machine: Machine;
  /** Writes to the serial console. */
  serial(text: string): Promise<void>;
}

/** Starts a real QEMU that stays at its first instruction. */
export async function smallMachine(profile = ""): Promise<SmallMachine> {
  await using undo = new AsyncDisposableStack();
  const place = undo.use(await places(smallConfig(profile)));
  const state = undo.use(await hostReady(place));
  const { runtime, files } = state.workspace;
  const machine = undo.use(
    await startMachine(state.host, {
      name: state.plan.name,
      memoryMiB: 64,
      cpus: 1,
      disks: [],
      serial: { socket: runtime.serial, log: files.serialLog },
      qmpSocket: runtime.qmp,
      agentSocket: runtime.agent,
      extraArgs: ["-S"],
    }),
  );
  const { plan, workspace, host } = state;
  const all = undo.move();
  return {
    plan,
    workspace,
    host,
    machine,
    serial: (text) => Deno.writeTextFile(files.serialLog, text, { append: true }),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
