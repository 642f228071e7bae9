import { HostError } from "../errors.ts";
import { exists } from "../files.ts";
import { run, which } from "../process.ts";
import type { Obstacle } from "./bridge_acl.ts";

/** The first of these paths where qemu-bridge-helper is; throws a HostError when it is at none. */
export async function findBridgeHelper(paths: readonly string[]): Promise<string> {
  for (const path of paths) if (await exists(path)) return path;
  throw new HostError("qemu-bridge-helper, which comes with QEMU, is not on this host", {
    hint: `It was looked for as ${paths.join(", ")}. A tap device needs none: ` +
      "sudo ip tuntap add dev tap0 mode tap user $USER, then --bridged=tap0",
  });
}

/**
 * Why the helper could not do its work for a user: it makes a tap device and puts it on the bridge, for which it needs
 * rights that the user has not. Undefined when it has them.
 */
export async function helperObstacle(
  helper: string,
  user: number | null,
): Promise<Obstacle | undefined> {
  const { mode, uid } = await Deno.stat(helper);
  const setuidRoot = ((mode ?? 0) & 0o4000) !== 0 && uid === 0;
  if (user === 0 || setuidRoot || await hasCapability(helper)) return undefined;
  return { problem: `${helper} is not setuid root`, remedy: `sudo chmod u+s ${helper}` };
}

/** Some systems give the helper the one right it needs instead. */
async function hasCapability(path: string): Promise<boolean> {
  if (await which("getcap") === undefined) return false;
  const { stdout } = await run(["getcap", path], { okStatus: [0, 1] });
  return /\bcap_net_admin\b\S*[=+]\w*e/.test(stdout);
}
