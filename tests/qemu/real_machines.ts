import { join } from "node:path";
import type { QemuHost } from "../../lib/qemu/host.ts";
import { type Machine, startMachine } from "../../lib/qemu/machine.ts";
import type { MachineSpec } from "../../lib/qemu/machine_spec.ts";
import { realHost } from "./real_host.ts";

/** Real QEMUs without a guest, with their files in one folder. */
export interface RealMachines extends AsyncDisposable {
  readonly host: QemuHost;
  readonly folder: string;
  /** The machine that {@linkcode RealMachines.start} starts, with these differences. */
  spec(changes?: Partial<MachineSpec>): MachineSpec;
  start(changes?: Partial<MachineSpec>): Promise<Machine>;
}

/** Makes the folder; at the end the machines are stopped and it is removed. */
export async function realMachines(): Promise<RealMachines> {
  await using setup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-q-" });
  setup.defer(() => Deno.remove(folder, { recursive: true }));
  const host = await realHost();
  let count = 0;
  const spec: RealMachines["spec"] = (changes) => {
    const files = join(folder, String(++count));
    return {
      name: "test",
      memoryMiB: 64,
      cpus: 1,
      disks: [],
      serial: { socket: `${files}.serial`, log: `${files}.log` },
      qmpSocket: `${files}.qmp`,
      extraArgs: ["-S"], // The processor stays stopped.
      ...changes,
    };
  };
  const all = setup.move();
  return {
    host,
    folder,
    spec,
    start: async (changes) => all.use(await startMachine(host, spec(changes))),
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}
