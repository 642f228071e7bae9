import { join } from "node:path";
import { type Booted, machineOf } from "../../lib/verify/boot.ts";
import type { FreshVm } from "../../lib/verify/observe.ts";
import type { RunRecord } from "../../lib/vm/run_record.ts";
import { agentVm } from "../vm/agent_vm.ts";

/** A machine of which there are only the places of its agent, its SSH and its serial log. */
export interface FakeBooted extends AsyncDisposable {
  readonly booted: Booted;
  readonly fresh: FreshVm;
  readonly agentSocket: string;
  readonly serialLog: string;
}

/** Makes the places; who answers there is for the test to start. */
export async function fakeBooted(sshPort: number): Promise<FakeBooted> {
  const { dirs, vm, at, ...place } = await agentVm();
  await Deno.mkdir(vm.folder.dir, { recursive: true });
  await Deno.writeTextFile(vm.folder.serialLog, "");
  const images = { registryPath: at("registry.yml"), imageDir: dirs.vmsDir };
  const record = { argv: [], sshPort } as unknown as RunRecord;
  const fresh: FreshVm = {
    places: { ...dirs, cacheDir: join(dirs.runtimeDir, "cache"), images },
    started: { vm, record, ended: new Promise(() => {}) },
    startedMs: performance.now(),
  };
  return {
    ...{ fresh, booted: machineOf(fresh, () => Promise.resolve()) },
    agentSocket: vm.files.agent,
    serialLog: vm.folder.serialLog,
    [Symbol.asyncDispose]: place[Symbol.asyncDispose],
  };
}
