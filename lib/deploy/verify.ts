import { messageOf, PimError } from "../errors.ts";
import { lockFile } from "../files.ts";
import type { Deployment } from "../image/deployment.ts";
import { findDeployment, putDeployment } from "../image/deployments.ts";
import type { ImageEntry } from "../image/entry.ts";
import { log } from "../log.ts";
import { deployLock, type Paths, registryFile } from "../paths.ts";
import { type Instance, instanceMachine } from "../verify/instance.ts";
import { type SshInstance, sshInstanceMachine } from "../verify/ssh_instance.ts";
import { openScratch } from "../verify/scratch.ts";
import type { Subject } from "../verify/subject.ts";
import { type Verification, VerificationError } from "../verify/verification.ts";
import { verifyImage, verifyMachines } from "../verify/verify.ts";
import type { VmPlaces } from "../vm/places.ts";
import { DeployError } from "./deploy_error.ts";
import type { DeployEvent } from "./events.ts";
import { requireSameType } from "./former.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { HostTools, InstanceContext, Target } from "./target.ts";
import { withoutEmpty, withWorkDir } from "./work.ts";

/** What the image of a deployment is measured by, and where machines of it may run on this host. */
export interface Verifying {
  readonly subject: Omit<Subject, "source">;
  readonly places: VmPlaces;
  /** How long the system may take to come up. */
  readonly bootTimeoutMs: number;
}

/** What verifications of deployments have in common. */
export interface VerifyDeploymentOptions {
  readonly paths: Paths;
  readonly verifying: Verifying;
  readonly onEvent: (event: DeployEvent) => void;
}

/** Verifies what was deployed before, whether or not that was done already. Throws a VerificationError when it fails. */
export async function verifyDeployment(
  { id, target: targetName, image }: Pick<Deployment, "id" | "target" | "image">,
  target: NamedTarget,
  entry: ImageEntry,
  { tools, ...options }: VerifyDeploymentOptions & { readonly tools: HostTools },
): Promise<Deployment> {
  const { signal } = tools;
  const { paths } = options;
  await using _lock = await lockFile(
    deployLock(paths, targetName, image),
    () => options.onEvent({ type: "waiting", id }),
    signal,
  );
  // As it is now: whoever had the lock may have made more of it, or have removed it.
  const deployment = await findDeployment(registryFile(paths), id);
  const notThere = (state: string) =>
    new DeployError(`Cannot verify ${id}: what was deployed is ${state}`, {
      hint: `Deploy it again: pim deploy run ${image} ${target.name}`,
    });
  if (deployment === undefined) throw notThere("missing");
  requireSameType(deployment, target);
  await using opened = target.open(tools);
  const { state, ids, sha256 } = deployment;
  const presence = state === "unfinished" ? state : await opened.presence(ids, sha256);
  if (presence !== "there") throw notThere(presence);
  return await withWorkDir(
    paths,
    deployment,
    (workDir) => verifyKept(deployment, { opened, workDir, entry }, { ...options, signal }),
  );
}

interface Place {
  readonly opened: Target;
  readonly workDir: string;
  readonly entry: ImageEntry;
}

/**
 * Verifies a deployment as it was written down, and writes down how that came out. Throws a VerificationError when it
 * failed. The caller holds the deployment's lock.
 */
export async function verifyKept(
  kept: Deployment,
  { opened, workDir, entry }: Place,
  { paths, signal, onEvent, verifying }: VerifyDeploymentOptions & { readonly signal: AbortSignal },
): Promise<Deployment> {
  const { id } = kept;
  let deployment = kept;
  const put = async (more: Partial<Deployment>) => {
    deployment = { ...deployment, ...more };
    await putDeployment(registryFile(paths), deployment);
  };
  const context: InstanceContext = {
    ...{ signal, workDir },
    get ids() {
      return deployment.ids;
    },
    made: async (more) => await put({ ids: withoutEmpty({ ...deployment.ids, ...more }) }),
  };
  if (kept.ids.instance !== undefined) {
    await opened.removeInstance?.(kept.ids);
    await context.made({ instance: "" });
  }
  const verification = await verifyAt(opened, { deployment, entry, context }, verifying, onEvent);
  const { ok, elapsedMs, checks } = verification;
  await put({ verified: { ok, time: new Date().toISOString() } });
  onEvent({ type: "verified", id, ok, elapsedMs, checks });
  if (ok) return deployment;
  throw new VerificationError(`The deployment ${id}`, verification, hintOf(deployment));
}

interface Verified {
  readonly deployment: Deployment;
  readonly entry: ImageEntry;
  readonly context: InstanceContext;
}

async function verifyAt(
  opened: Target,
  { deployment, entry, context }: Verified,
  { subject, places, bootTimeoutMs }: Verifying,
  onEvent: (event: DeployEvent) => void,
): Promise<Verification> {
  const { id, ids, sha256 } = deployment;
  const options = {
    ...{ signal: context.signal, bootTimeoutMs },
    onStage: (text: string) => onEvent({ type: "verifying", id, text }),
    onCheck: (check: Verification["checks"][number]) => onEvent({ type: "check", id, check }),
    onLine: (line: string) => onEvent({ type: "script-output", id, line }),
  };
  if (opened.disk !== undefined) {
    await using scratch = await openScratch(places, entry.name);
    const { architecture, firmware } = entry;
    const source = { vmName: entry.name, architecture, firmware, ...opened.disk(ids) };
    return await verifyImage({ ...subject, source }, { ...options, places: scratch.places });
  }
  const start = async () => {
    const instance = await opened.startInstance?.({ entry, sha256 }, context);
    if (instance === undefined) throw new DeployError(`Cannot verify ${id}: pim starts no instance there`);
    const removing = { [Symbol.asyncDispose]: () => removeOrWarn(instance, id) };
    return "agent" in instance
      ? instanceMachine({ ...instance, ...removing })
      : sshInstanceMachine({ ...instance, ...removing });
  };
  return await verifyMachines(start, subject, options);
}

/** What the checks have found counts, even where the instance cannot be removed just now: it is written down. */
async function removeOrWarn(instance: Instance | SshInstance, id: string): Promise<void> {
  try {
    await instance[Symbol.asyncDispose]();
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    log.warn(
      `${instance.name}, an instance of ${id}, could not be removed: ${messageOf(error)}\n` +
        `hint: The next verification removes it, as does: pim deploy remove ${id}`,
    );
  }
}

function hintOf({ id, state, image, target }: Deployment): string {
  const again = state === "done" ? `pim deploy verify ${id}` : `pim deploy run ${image} ${target}`;
  return `It stays there as it is${state === "done" ? "" : ", and the deployment goes no further"}. ` +
    `Look at the image here: pim verify ${image}; verify the deployment again: ${again}; ` +
    `take it away: pim deploy remove ${id}`;
}
