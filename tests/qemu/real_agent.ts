import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists } from "../../lib/files.ts";
import { start, which } from "../../lib/process.ts";

/** The guest agent of QEMU, run on this host as if it were a guest. */
export interface RealAgent extends AsyncDisposable {
  readonly path: string;
}

/** Whether qemu-ga (Debian: qemu-guest-agent) is not installed. */
export const realAgentMissing = await which("qemu-ga") === undefined;

/** Starts qemu-ga on a unix socket; what would change the host is switched off, besides `refused`. */
export async function realAgent(
  options: { path?: string; refused?: readonly string[] } = {},
): Promise<RealAgent> {
  const folder = await Deno.makeTempDir({ prefix: "pim-ga-" });
  const path = options.path ?? join(folder, "s");
  const refused = ["guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"];
  const off = [...refused, ...(options.refused ?? [])].join(",");
  const agent = start(["qemu-ga", "-m", "unix-listen", "-p", path, "-t", folder, "-b", off]);
  while (!await exists(path)) await sleep(10);
  return {
    path,
    async [Symbol.asyncDispose]() {
      agent.kill("SIGKILL");
      await agent.ended;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
