import { UsageError } from "../errors.ts";
import { exists, readTextIfThere, removeIfThere } from "../files.ts";
import { type RuntimeFiles, runtimeFiles, type VmFiles, vmFiles } from "../paths.ts";
import { type Running, startDetached } from "../process.ts";
import { qemuArgs } from "../qemu/args.ts";
import { findBridge } from "../qemu/bridge.ts";
import { probeQemu, type QemuHost } from "../qemu/host.ts";
import { awaitMonitor, checkSocketPath, MachineDiedError, type MachineEnd } from "../qemu/machine.ts";
import type { NetworkSpec } from "../qemu/machine_spec.ts";
import { isPortTaken } from "../qemu/ports.ts";
import { askForSudo, signalProcess, sudoArgv } from "../sudo.ts";
import type { VmDefinition } from "./definition.ts";
import type { VmPlaces } from "./places.ts";
import { type ClaimedPorts, claimPorts } from "./ports.ts";
import { type RunRecord, writeRunRecord } from "./run_record.ts";
import { vmMachine } from "./spec.ts";
import { qemuOf } from "./our_qemu.ts";
import { removeRuntimeFiles } from "./remains.ts";
import { inspectVm, isRunning, listVms, type RunningVm } from "./vms.ts";

/** A VM that was started just now. */
export interface StartedVm {
  readonly vm: RunningVm;
  readonly record: RunRecord;
  /** Settles when its QEMU ends, as long as this pim is there to see it. */
  readonly ended: Promise<MachineEnd>;
}

/** Throws when a VM of this name runs. */
export async function refuseRunning(places: VmPlaces, name: string): Promise<void> {
  if (!isRunning(await inspectVm(places, name))) return;
  throw new UsageError(`The VM ${name} is running already`, {
    hint: `Log in with: pim ssh ${name}. A second VM of the same image needs a name: --name NAME`,
  });
}

/**
 * Starts a VM from what lies in its folder; it lives on when pim ends. The caller holds the VM's lock. When it cannot be
 * started nothing of it is left running, and no runtime file.
 */
export async function startVm(
  places: VmPlaces,
  definition: VmDefinition,
  signal: AbortSignal,
): Promise<StartedVm> {
  const { name } = definition;
  const files = runtimeFiles(places.runtimeDir, name);
  const folder = vmFiles(places.vmsDir, name);
  for (const path of [files.qmp, files.agent, files.serial]) checkSocketPath(path);
  await refuseRunning(places, name);
  await removeRuntimeFiles(files);
  const host = await probeQemu({
    architecture: definition.architecture,
    firmware: definition.firmware,
    cacheDir: places.cacheDir,
    signal,
  });
  const bridged = definition.network.kind === "bridged"
    ? await findBridge({ platform: host.platform, wanted: definition.network.interface })
    : undefined;
  const root = bridged?.kind === "vmnet" && Deno.uid() !== 0;
  if (root) await askForSudo(`vmnet needs root: QEMU of ${name} runs under sudo`, signal);
  for (let attempt = 1;; attempt++) {
    await using ports = await claimPorts(places.runtimeDir, portsWanted(definition), ownerOfPort(places));
    if (attempt === 1) await keepPreviousLog(folder);
    try {
      return await launch({ places, definition, files, folder, host, bridged, root, ports, signal });
    } catch (error) {
      await removeRuntimeFiles(files);
      if (attempt === 5 || !isPortTaken(error)) throw error;
    }
  }
}

function portsWanted({ network, guestSshPort, vnc }: VmDefinition): Parameters<typeof claimPorts>[1] {
  return network.kind === "user" ? { forwards: network.forwards, guestSshPort, vnc } : { forwards: [], vnc };
}

function ownerOfPort(places: VmPlaces): (port: number) => Promise<string | undefined> {
  return async (port) =>
    (await listVms(places)).find((vm) =>
      isRunning(vm) && vm.record?.forwards.some(({ hostPort }) => hostPort === port)
    )?.name;
}

interface Launch {
  readonly places: VmPlaces;
  readonly definition: VmDefinition;
  readonly files: RuntimeFiles;
  readonly folder: VmFiles;
  readonly host: QemuHost;
  readonly bridged: NetworkSpec | undefined;
  readonly root: boolean;
  readonly ports: ClaimedPorts;
  readonly signal: AbortSignal;
}

async function launch(launch: Launch): Promise<StartedVm> {
  const { definition, files, folder, host, ports, root, signal } = launch;
  const argv = qemuArgs(
    host,
    vmMachine(host, definition, {
      files,
      folder,
      network: launch.bridged ?? { kind: "user", forwards: ports.forwards },
      vncPort: ports.vncPort,
    }),
  );
  const record: RunRecord = {
    version: 1,
    definition,
    dir: folder.dir,
    startedMs: Date.now(),
    argv,
    accelerator: host.accelerator.name,
    qemuVersion: host.version.text,
    forwards: [...ports.forwards],
    ...(ports.sshPort !== undefined && { sshPort: ports.sshPort }),
    ...(ports.vncPort !== undefined && { vncPort: ports.vncPort }),
    root,
  };
  signal.throwIfAborted();
  // Before QEMU begins: should pim be killed now, what it started is known all the same.
  await writeRunRecord(files.json, record);
  const child = await startDetached(root ? sudoArgv(argv) : argv, {
    log: files.log,
    inTerminalSession: root,
  });
  const ended = child.ended.then(async (end) => ({
    ...end,
    stderr: await readTextIfThere(files.log).catch(() => undefined) ?? "",
  }));
  try {
    await using _qmp = await awaitMonitor(
      { name: definition.name, socket: files.qmp, argv, ended },
      { signal },
    );
    const vm = await inspectVm(launch.places, definition.name);
    if (!isRunning(vm)) {
      await endQemu(files, child);
      throw new MachineDiedError(definition.name, await ended, argv);
    }
    if (definition.disk === "snapshot") await forgetDisk(folder);
    return { vm, record, ended };
  } catch (error) {
    await endQemu(files, child);
    await ended;
    throw error;
  }
}

/** QEMU has the files open: without their names they are gone when it ends, however it ends. */
async function forgetDisk(folder: VmFiles): Promise<void> {
  for (const file of [folder.disk, folder.efiVars]) await removeIfThere(file);
}

async function endQemu(files: RuntimeFiles, child: Pick<Running, "pid" | "ended">): Promise<void> {
  let over = false;
  void child.ended.then(() => over = true);
  // Under sudo the child is sudo itself, which cannot be signalled by us; QEMU is told by what it was started with.
  const qemu = await qemuOf(files);
  // The id of a child that has ended may be another program's by now.
  const pid = qemu?.pid ?? (over ? undefined : child.pid);
  if (pid !== undefined) await signalProcess(pid, "SIGKILL").catch(() => {});
}

async function keepPreviousLog(folder: VmFiles): Promise<void> {
  if (await exists(folder.serialLog)) await Deno.rename(folder.serialLog, folder.previousSerialLog);
  // QEMU makes it too, but not at once; nobody should have to wait for that.
  await Deno.writeTextFile(folder.serialLog, "", { mode: 0o600 });
}
