import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import type { SshInstance } from "../../verify/ssh_instance.ts";
import { throwawayLogin } from "../../verify/throwaway_login.ts";
import { pause } from "../../vm/pause.ts";
import { DeployError } from "../deploy_error.ts";
import type { Deployed, Ids, InstanceContext } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { endInstance, getInstance, hasEnded, instancesNamed, runInstance } from "./ec2_instance.ts";
import { wasRefused } from "./explain.ts";
import type { InstanceSettings } from "./instance_settings.ts";
import { marks } from "./marks.ts";

const undoMs = 120_000;

/** Starts an instance of an AMI, and waits until EC2 has got it to run. */
export async function startInstance(
  cloud: Cloud,
  settings: InstanceSettings,
  deployed: Deployed,
  { ids: { image }, made, signal }: InstanceContext,
): Promise<SshInstance> {
  const { entry } = deployed;
  if (image === undefined) throw new DeployError(`Cannot verify ${entry.name}: there is no AMI of it`);
  const name = `pim-verify-${entry.name.slice(0, 40)}-${crypto.randomUUID().slice(0, 8)}`;
  const login = await throwawayLogin();
  await made({ instance: name });
  let id: string | undefined;
  const remove = async () => {
    // What is cancelled is cleared away all the same.
    const limit = AbortSignal.timeout(undoMs);
    const other = cloud.within(limit);
    if (id !== undefined) await endInstance(other, id, limit);
    // It may have been made all the same: it stays written down, to be looked for again.
    else if (!(await removeInstance(other, { instance: name }, limit))) return;
    await made({ instance: "" });
  };
  try {
    id = await runInstance(cloud, settings, {
      ...{ image, architecture: entry.architecture, userData: login.userData },
      ...{ token: name, tags: marks(deployed, name) },
    });
    await awaitRunning(cloud, { id, image, signal });
  } catch (error) {
    const nothingMade = id === undefined && wasRefused(error);
    await (nothingMade ? made({ instance: "" }) : remove()).catch((left) => {
      log.warn(`The instance ${name} in ${cloud.region} could not be removed: ${messageOf(left)}`);
    });
    throw error;
  }
  return sshInstance(cloud, settings, { id, login, remove });
}

function sshInstance(
  cloud: Cloud,
  { address, ssh_port }: InstanceSettings,
  { id, login, remove }: {
    readonly id: string;
    readonly login: SshInstance["login"];
    readonly remove: () => Promise<void>;
  },
): SshInstance {
  return {
    ...{ name: `the instance ${id}`, startedMs: performance.now(), login },
    async address() {
      const host = (await getInstance(cloud, id))?.addresses[address];
      return host === undefined ? undefined : { host, port: ssh_port };
    },
    async isRunning() {
      const instance = await getInstance(cloud, id);
      // One that has ended is still shown for an hour; one that is not found is just not known everywhere.
      return instance === undefined || ["pending", "running"].includes(instance.state);
    },
    [Symbol.asyncDispose]: remove,
  };
}

const longestStartMs = 300_000;

/** Waits until an instance runs; what ends it before that is no fault of its image. */
async function awaitRunning(
  cloud: Cloud,
  { id, image, signal }: { readonly id: string; readonly image: string; readonly signal: AbortSignal },
): Promise<void> {
  const endMs = performance.now() + longestStartMs;
  for (let waitMs = 300;; waitMs = Math.min(waitMs * 1.5, 3000)) {
    const instance = await getInstance(cloud, id);
    if (instance?.state === "running") return;
    if (instance !== undefined && hasEnded(instance)) {
      const { code, text } = instance.reason;
      if (code === "Client.InstanceInitiatedShutdown") return;
      throw new DeployError(
        `Cannot start an instance of ${image}: EC2 has ended ${id} before it ran: ${text || code}`,
        {
          hint: "What its reasons mean: " +
            "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html; " +
            "Client.InternalError mostly that the user or role may not use the key of an encrypted disk.",
        },
      );
    }
    if (performance.now() > endMs) {
      throw new DeployError(`Cannot start an instance of ${image}: ${id} does not run after five minutes`, {
        hint: "Look whether AWS has trouble: https://health.aws.amazon.com; then type the same again.",
      });
    }
    await pause(waitMs, signal);
  }
}

/**
 * Removes the instance that was written down, and tells whether there was one: EC2 may need some seconds to find what was
 * made just now.
 */
export async function removeInstance(
  cloud: Cloud,
  { instance }: Ids,
  signal: AbortSignal,
): Promise<boolean> {
  if (instance === undefined) return false;
  for (let waitMs = 500;; waitMs *= 2) {
    const found = await instancesNamed(cloud, instance);
    for (const each of found) if (!hasEnded(each)) await endInstance(cloud, each.id, signal);
    if (found.length > 0) return true;
    if (waitMs > 4000) return false;
    await pause(waitMs, signal);
  }
}
