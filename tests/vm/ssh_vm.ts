import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists } from "../../lib/files.ts";
import { type RuntimeFiles, runtimeFiles, type VmFiles, vmFiles } from "../../lib/paths.ts";
import { start } from "../../lib/process.ts";
import { type VmDefinition, writeDefinition } from "../../lib/vm/definition.ts";
import { writeRunRecord } from "../../lib/vm/run_record.ts";
import type { User } from "../cli/pim.ts";

/** A VM as pim knows one that runs: its QEMU is real and has no machine, so that something here stands for the guest. */
export interface StandInVm extends AsyncDisposable {
  readonly pid: number;
  readonly files: RuntimeFiles;
  readonly folder: VmFiles;
  /** Ends QEMU at once. */
  kill(): Promise<void>;
}

/** Options of {@linkcode standInVm}. */
export interface StandInOptions {
  readonly name?: string;
  /** What leads to the guest's SSH; without it the VM is in the host's network. */
  readonly sshPort?: number;
  readonly definition?: Partial<VmDefinition>;
}

/** Starts such a VM among those of a user. */
export async function standInVm(user: User, options: StandInOptions): Promise<StandInVm> {
  const { name = "demo", sshPort } = options;
  const runtimeDir = join(user.path, "run", "pim");
  const files = runtimeFiles(runtimeDir, name);
  const folder = vmFiles(join(user.path, "data", "pim", "vms"), name);
  await Deno.mkdir(runtimeDir, { recursive: true, mode: 0o700 });
  await Deno.mkdir(folder.dir, { recursive: true });
  const definition: VmDefinition = {
    version: 1,
    name,
    created: new Date().toISOString(),
    image: { path: "/images/demo.qcow2", format: "qcow2" },
    architecture: "amd64",
    firmware: "bios",
    disk: "overlay",
    memoryMiB: 128,
    cpus: 1,
    macAddress: "52:54:00:12:34:56",
    network: sshPort === undefined ? { kind: "bridged" } : { kind: "user", forwards: [] },
    shares: [],
    usb: [],
    vnc: false,
    seed: false,
    qemuArgs: [],
    guestSshPort: 22,
    ...options.definition,
  };
  const argv = ["qemu-system-x86_64", "-machine", "none", "-display", "none", "-pidfile", files.pid];
  await writeDefinition(folder.definition, definition);
  await writeRunRecord(files.json, {
    version: 1,
    definition,
    dir: folder.dir,
    startedMs: Date.now(),
    argv,
    accelerator: "tcg",
    qemuVersion: "7.2.0",
    forwards: [],
    ...(sshPort !== undefined && { sshPort }),
    root: false,
  });
  const qemu = start(argv);
  let ended = false;
  void qemu.ended.then(() => ended = true);
  while (!(await exists(files.pid))) {
    if (ended) throw new Error(`QEMU did not start: ${qemu.stderr()}`);
    await sleep(10);
  }
  const kill = async () => {
    qemu.kill("SIGKILL");
    await qemu.ended;
  };
  return { pid: qemu.pid, files, folder, kill, [Symbol.asyncDispose]: kill };
}
