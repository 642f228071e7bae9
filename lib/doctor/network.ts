import { HostError, UsageError } from "../errors.ts";
import { which } from "../process.ts";
import { type BridgeQuestion, findBridge, NoBridgeError } from "../qemu/bridge.ts";
import type { NetworkSpec } from "../qemu/machine_spec.ts";
import { type Finding, found, notNeeded, ok } from "./finding.ts";

const platform = Deno.build.os === "darwin" ? "darwin" : "linux";

/** Checks whether VMs can stand beside this host in its network (`pim run --bridged`). */
export async function checkBridge(): Promise<readonly Finding[]> {
  return [await judgeBridge({ platform })];
}

/** What a VM would be bridged to, or what it lacks. */
export async function judgeBridge(question: BridgeQuestion): Promise<Finding> {
  const name = "bridge";
  try {
    return ok(name, describe(await findBridge(question)));
  } catch (error) {
    if (error instanceof NoBridgeError) {
      return ok(name, "none on this host; only pim run --bridged needs one, and says how to make it");
    }
    if (error instanceof HostError || error instanceof UsageError) return found("warning", name, error);
    throw error;
  }
}

function describe(network: NetworkSpec): string {
  if (network.kind === "bridge") return `${network.bridge}, joined by ${network.helper}`;
  if (network.kind === "vmnet") return `vmnet on ${network.interface}, which takes sudo`;
  return network.kind;
}

/** Checks sudo, by which pim becomes root where it has to be. */
export async function checkSudo(): Promise<readonly Finding[]> {
  const [name, onlyFor] = ["sudo", platform === "darwin" ? "pim run --bridged" : "pim ventoy"];
  if (Deno.uid() === 0) return [ok(name, "not needed: pim runs as root")];
  const path = await which("sudo");
  if (path !== undefined) return [ok(name, `${path}, which may ask for a password (for ${onlyFor})`)];
  const error = new HostError("sudo is not installed or not on PATH", {
    hint: `Install it, or type \`${onlyFor}\` as root.`,
  });
  return [platform === "darwin" ? found("warning", name, error) : notNeeded(name, error, onlyFor)];
}
