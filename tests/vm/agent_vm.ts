import { join } from "node:path";
import { filesOfVm, runtimeFiles } from "../../lib/paths.ts";
import type { VmDirs } from "../../lib/vm/places.ts";
import type { RunningVm } from "../../lib/vm/vms.ts";
import { tempDir } from "../base/temp.ts";

/** A VM of which there is nothing but the place of its guest agent's socket. */
export interface AgentVm extends AsyncDisposable {
  readonly dirs: VmDirs;
  readonly vm: RunningVm;
  /** A path in a folder that goes with the VM. */
  at(name: string): string;
}

/** Makes the place; who answers on `vm.files.agent` is for the test to start. */
export async function agentVm(name = "demo"): Promise<AgentVm> {
  const dir = await tempDir();
  const files = runtimeFiles(dir.path, name);
  const folder = filesOfVm(join(dir.path, "vms", name));
  return {
    dirs: { vmsDir: join(dir.path, "vms"), runtimeDir: dir.path },
    vm: { name, pid: Deno.pid, files, folder, definition: undefined, record: undefined, problem: undefined },
    at: (file) => join(dir.path, file),
    [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose](),
  };
}
