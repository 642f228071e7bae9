import { join } from "node:path";
import { type Config, loadConfig } from "../../lib/config/config.ts";
import { removeIfThere } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { findProcess, isStillEnding, listProcesses } from "../../lib/process_table.ts";
import { createDisk } from "../../lib/qemu/img.ts";
import { qemusByName } from "../../lib/vm/our_qemu.ts";
import { type VmPlaces, vmPlaces } from "../../lib/vm/places.ts";
import { runVm } from "../../lib/vm/run.ts";
import type { RunOptions, RunRequest } from "../../lib/vm/run_request.ts";
import type { StartedVm } from "../../lib/vm/start.ts";
import { type PimOptions, type PimResult, type PimRun, startPim } from "../e2e/pim.ts";

/** Folders of pim's own, and in them VMs that are real but for a guest: an empty disk, a processor that stands still. */
export interface SmallVms extends AsyncDisposable {
  readonly dir: string;
  readonly places: VmPlaces;
  readonly config: Config;
  readonly env: Readonly<Record<string, string>>;
  /** The file that VMs are made from. */
  readonly image: string;
  /** Starts a VM in this process. */
  run(
    name: string,
    request?: Partial<RunRequest>,
    options?: Pick<RunOptions, "onNote">,
  ): Promise<StartedVm>;
  pim(...args: readonly string[]): Promise<PimResult>;
  startPim(args: readonly string[], options?: PimOptions): PimRun;
  /** The QEMUs that run here, whatever pim thinks. */
  qemus(): Promise<Map<string, number>>;
}

/** Arguments of `pim run` that make a VM small. */
export const smallArgs = ["--memory", "64", "--cpus", "1", "--qemu-arg=-S"] as const;

// What is found out of the accelerator once is good for all tests of a file.
const cacheDir = await Deno.makeTempDir({ prefix: "pim-vm-cache-" });
globalThis.addEventListener("unload", () => Deno.removeSync(cacheDir, { recursive: true }));

/** Makes such folders; at the end every QEMU that is left in them is killed. */
export async function smallVms(): Promise<SmallVms> {
  // A socket's path is short, and macOS has its temporary folders deep down.
  const dir = await Deno.realPath(await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-v-" }));
  const env = {
    PIM_CONFIG_DIR: join(dir, "config"),
    PIM_DATA_DIR: join(dir, "data"),
    PIM_CACHE_DIR: cacheDir,
    PIM_RUNTIME_DIR: join(dir, "run"),
  };
  const config = await loadConfig({ cwd: dir, env: new Map(Object.entries({ HOME: dir, ...env })) });
  const places = await vmPlaces(config);
  const image = join(dir, "small.qcow2");
  await createDisk(image, 64 * 1024 * 1024, { qemuImg: "qemu-img" });
  const qemus = async () =>
    new Map([...qemusByName(await listProcesses(), places.runtimeDir)].map(([name, { pid }]) => [name, pid]));
  const start: SmallVms["startPim"] = (args, options) =>
    startPim(args, { ...options, env: { ...env, ...options?.env } });
  return {
    dir,
    places,
    config,
    env,
    image,
    qemus,
    startPim: start,
    pim: (...args) => start(args).result,
    run: (name, request, options) =>
      runVm(places, {
        what: image,
        name,
        fresh: false,
        memoryMiB: 64,
        cpus: 1,
        qemuArgs: ["-S"],
        ...request,
      }, {
        cwd: dir,
        defaults: { memoryMiB: 64, cpus: 1 },
        signal: new AbortController().signal,
        ...options,
      }),
    async [Symbol.asyncDispose]() {
      for (const pid of (await qemus()).values()) {
        Deno.kill(pid, "SIGKILL");
        await gone(pid);
      }
      await removeIfThere(dir);
    },
  };
}

/** Waits until a process has ended. */
export async function gone(pid: number): Promise<void> {
  while (await findProcess(pid) !== undefined || isStillEnding(pid)) {
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** The QMP socket's other end, for what a test does to a VM behind pim's back. */
export async function qmp(socket: string, ...commands: readonly string[]): Promise<void> {
  const { connectQmp } = await import("../../lib/qemu/qmp.ts");
  await using client = await connectQmp(socket);
  for (const command of commands) await client.execute(command);
}

/** What `qemu-img info` says is the file under a disk. */
export async function backingFile(disk: string): Promise<string | undefined> {
  const { stdout } = await run(["qemu-img", "info", "-U", "--output=json", disk]);
  return JSON.parse(stdout)["full-backing-filename"];
}
