import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import type { Instance } from "../../verify/instance.ts";
import { deploying } from "../api_failure.ts";
import { DeployError } from "../deploy_error.ts";
import type { Deployed, Ids, InstanceContext } from "../target.ts";
import { pveAgent } from "./guest_agent.ts";
import type { PveConfig, PveHost } from "./host.ts";
import type { ProxmoxSettings } from "./settings.ts";
import type { OpenHost } from "./steps.ts";
import { markOf, pveMark } from "./vm.ts";

const undoMs = 120_000;
const maxIds = 5;

/** A host, and how another connection to it is made. */
export interface InstancePlace {
  readonly host: PveHost;
  readonly openHost: OpenHost;
  readonly settings: ProxmoxSettings;
}

/** Starts a linked clone of a template. */
export async function startInstance(
  { host, openHost, settings }: InstancePlace,
  deployed: Deployed,
  context: InstanceContext,
): Promise<Instance> {
  const remove = async () => {
    // Over a connection of its own: the first may be cut, or cancelled.
    await using other = await openHost(AbortSignal.timeout(undoMs));
    await removeInstance(other, context.ids);
    await context.made({ instance: "" });
  };
  try {
    const vmid = await clone(host, settings, deployed, context);
    await host.start(vmid);
    return {
      ...{ name: `VM ${vmid}`, startedMs: performance.now(), agent: pveAgent(host.guest(vmid), vmid) },
      isRunning: async () => await host.config(vmid) !== undefined && await host.running(vmid),
      [Symbol.asyncDispose]: () => deploying(`remove the VM ${vmid}`, remove),
    };
  } catch (error) {
    await remove().catch((left) => {
      log.warn(`An instance at ${settings.host} could not be removed: ${messageOf(left)}`);
    });
    throw error;
  }
}

async function clone(
  host: PveHost,
  { pool }: ProxmoxSettings,
  deployed: Deployed,
  { ids, made }: InstanceContext,
): Promise<number> {
  for (let attempt = 1;; attempt++) {
    const vmid = await host.nextId();
    await made({ instance: String(vmid) });
    try {
      await host.clone(Number(ids.vmid), vmid, {
        name: `pim-verify-${crypto.randomUUID().slice(0, 8)}`,
        description: pveMark(deployed, vmid),
        ...(pool !== undefined && { pool }),
      });
      return vmid;
    } catch (error) {
      // Somebody was faster: ids are not reserved.
      if (!/already exists/.test(messageOf(error)) || attempt === maxIds) throw error;
    }
  }
}

/** Removes the instance that was written down; a VM that has got its id since is left alone. */
export async function removeInstance(host: PveHost, { instance, vmid, sha256 }: Ids): Promise<void> {
  if (instance === undefined || instance === vmid) return;
  const id = Number(instance);
  const config = await whenMade(host, id);
  const mark = markOf(config?.description ?? "", id);
  if (config === undefined || config.template || mark?.sha256 !== sha256 || mark === undefined) return;
  if (await host.running(id)) await host.stop(id);
  await host.destroy(id);
}

const longestCloneMs = 60_000;

/** The configuration of a VM; while it is still being cloned nothing tells whose it is, so that is waited for. */
async function whenMade(host: PveHost, vmid: number): Promise<PveConfig | undefined> {
  const endMs = performance.now() + longestCloneMs;
  for (;;) {
    const config = await host.config(vmid);
    if (config === undefined || !config.begun) return config;
    if (performance.now() > endMs) {
      throw new DeployError(`The VM ${vmid} of a verification is still being made`, {
        hint: "Wait for its end, or end it in the web interface; then do this again.",
      });
    }
    await sleep(500);
  }
}
