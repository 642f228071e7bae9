import { join } from "node:path";
import { messageOf, PimError } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { log } from "../log.ts";
import { probeQemu } from "../qemu/host.ts";
import { createVm } from "../vm/create.ts";
import { guestOf } from "../vm/guest/guest.ts";
import { guestNetwork } from "../vm/guest/guest_address.ts";
import { lockVm } from "../vm/locks.ts";
import type { VmPlaces } from "../vm/places.ts";
import { newDefinition } from "../vm/new_definition.ts";
import { type StartedVm, startVm } from "../vm/start.ts";
import { stopVm } from "../vm/stop.ts";
import type { Machine } from "./machine.ts";
import { type FreshVm, observe } from "./observe.ts";
import { agentShell } from "./root_shell.ts";
import type { Subject } from "./subject.ts";

/** Where the machines of a verification are. */
export interface VerifyPlaces extends VmPlaces {
  /** Their name: a VM's, under which `pim ps` shows them while they run. */
  readonly vmName: string;
}

/** A machine of this host that runs from a throw-away overlay of an image. */
export interface Booted extends Machine {
  readonly started: StartedVm;
}

/** Options of {@linkcode boot}. */
export interface BootOptions {
  readonly places: VerifyPlaces;
  readonly signal: AbortSignal;
  /** A file to which what the machine writes to its serial console is added at its end. */
  readonly serialLog?: string;
}

/** Starts a machine from a throw-away overlay of an image, unlike any that was started of it before. */
export async function boot(
  subject: Subject,
  { places, signal, serialLog }: BootOptions,
): Promise<Booted> {
  const { vmName, vmsDir, runtimeDir, cacheDir } = places;
  const { source, memoryMiB, cpus, guestSshPort } = subject;
  const { architecture, firmware } = source;
  const host = await probeQemu({ architecture, firmware, cacheDir, signal });
  const definition = newDefinition(vmName, source, { disk: "snapshot", memoryMiB, cpus, guestSshPort });
  await using _lock = await lockVm(runtimeDir, vmName, "starting", signal);
  const vm = { definition, source, firmware: host.firmware, qemuImg: host.qemuImg };
  await using folder = await createVm(places, vm, { signal });
  const startedMs = performance.now();
  const started = await startVm(places, definition, signal);
  await folder.keep();
  return machineOf({ places, started, startedMs }, async () => {
    // Stopping the machine takes its folder away.
    if (serialLog !== undefined) await append(started.vm.folder.serialLog, serialLog);
    await stopVm(places, vmName, { force: true });
    await removeIfThere(join(vmsDir, vmName));
  });
}

/** A VM that was just started, as checks see it. */
export function machineOf(fresh: FreshVm, dispose: () => Promise<void>): Booted {
  const { places, started, startedMs } = fresh;
  const port = started.record.sshPort;
  return {
    ...{ started, startedMs, root: agentShell(guestOf(places, started.vm)) },
    // QEMU forwards the port: nobody else can answer there.
    ssh: port === undefined ? undefined : { host: "127.0.0.1", port, open: false },
    async observe(options) {
      const { agent, ssh } = await observe(fresh, options);
      return { agent, ssh: "missing" in ssh ? await explained(ssh.missing, fresh, options.signal) : ssh };
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** Without an address in its network no guest can answer, whatever runs in it. */
async function explained(
  missing: string,
  { places, started }: FreshVm,
  signal: AbortSignal,
): Promise<{ readonly missing: string }> {
  try {
    const { address } = await guestNetwork(places, started.vm, { signal });
    const has = address === undefined ? "no address" : `the address ${address}`;
    return { missing: `${missing}; the guest has ${has}` };
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    signal.throwIfAborted();
    return { missing };
  }
}

async function append(from: string, to: string): Promise<void> {
  try {
    await Deno.writeFile(to, await Deno.readFile(from), { append: true, mode: 0o600 });
  } catch (error) {
    log.warn(`The serial log of the machine is lost: ${messageOf(error)}`);
  }
}
