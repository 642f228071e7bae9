import { lockFile } from "../files.ts";
import type { Deployment } from "../image/deployment.ts";
import { deploymentId, findDeployment, forgetDeployment } from "../image/deployments.ts";
import { openRegistry } from "../image/registry.ts";
import { log } from "../log.ts";
import { deployLock, type Paths, registryFile } from "../paths.ts";
import { allActions, waitsForVerification } from "./all_actions.ts";
import { carryOut } from "./carry_out.ts";
import type { DeployEvent } from "./events.ts";
import { formerAction, requireReachable, requireSameType, type Since, since, suits } from "./former.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { Action, DeployImage, DeployPlan, HostTools, Ids, Place, Target } from "./target.ts";
import type { Verifying } from "./verify.ts";
import { withWorkDir } from "./work.ts";

/** How an image is deployed. */
export interface DeployOptions {
  readonly paths: Paths;
  readonly tools: HostTools;
  /** Deploys even what is there already, and puts it in the place of what has its name. */
  readonly force: boolean;
  /** What to verify it with, if it is to be verified. */
  readonly verifying?: Verifying;
  readonly onEvent: (event: DeployEvent) => void;
}

/**
 * Brings an image to a target: plans, uploads, registers and writes down what was made, each action as soon as it has
 * made something. What is there already, unchanged, is not deployed again. Two deployments of one image to one target
 * wait for each other. After a failure the next run goes on from what this one has made.
 */
export async function deploy(
  target: NamedTarget,
  image: DeployImage,
  options: DeployOptions,
): Promise<Deployment> {
  const { paths, tools, force, verifying, onEvent } = options;
  const id = deploymentId(target.name, image.entry.name);
  await using _lock = await lockFile(
    deployLock(paths, target.name, image.entry.name),
    () => onEvent({ type: "waiting", id }),
    tools.signal,
  );
  await using opened = target.open(tools);
  const found = await lookAhead(target, opened, image, { paths, force });
  const { signal } = tools;
  if (found.plan !== undefined) {
    return await carryOut({ id, target, opened, image, ...found }, { paths, signal, onEvent, verifying });
  }
  const { known } = found;
  const { where } = known;
  if (verifying === undefined || known.verified?.ok) {
    onEvent({ type: "already", id, where });
    return known;
  }
  const texts = allActions({ actions: [] }, opened, true).map(({ text }) => text);
  onEvent({ type: "planned", id, where, actions: texts });
  const { verifyKept } = await import("./verify.ts");
  return await withWorkDir(
    paths,
    known,
    (workDir) =>
      verifyKept(known, { opened, workDir, entry: image.entry }, { paths, signal, onEvent, verifying }),
  );
}

/** What a deployment would do: nothing where the image is there as it should be. */
export type Outlook =
  | (Since & Pick<Deployment, "verified"> & { readonly plan: DeployPlan; readonly place: Place })
  | { readonly plan: undefined; readonly known: Deployment };

/** Finds out what a deployment to an open target would do. Changes nothing. */
export async function lookAhead(
  target: NamedTarget,
  opened: Target,
  image: DeployImage,
  { paths, force }: Pick<DeployOptions, "paths" | "force">,
): Promise<Outlook> {
  const id = deploymentId(target.name, image.entry.name);
  const known = await findDeployment(registryFile(paths), id);
  if (known !== undefined) requireSameType(known, target);
  const place = opened.place(image.entry);
  const there = known !== undefined && !force && suits(known, place) && await isThere(opened, known, image);
  if (there && known.state === "done") return { plan: undefined, known };
  const { ids, former } = since(known, place);
  const { where, actions: all } = await opened.plan(image, { force, ids });
  // What was verified was whole before, whatever was found.
  const verified = there ? known.verified : undefined;
  const actions = verified === undefined ? all : all.filter(waitsForVerification);
  const last = await Promise.all(former.map((each) => formerAction(opened, each, place)));
  const plan = { where, actions: [...clearInstance(opened, ids), ...actions, ...last] };
  return { plan, ids, former, place, ...(verified !== undefined && { verified }) };
}

/** Whatever is done to what was deployed, an instance of it must not be in the way. */
function clearInstance(opened: Target, { instance }: Ids): readonly Action[] {
  if (instance === undefined) return [];
  return [{
    phase: "register",
    text: `remove ${instance}, which an interrupted verification has left`,
    async run({ ids, made }) {
      await opened.removeInstance?.(ids);
      await made({ instance: "" });
    },
  }];
}

async function isThere(target: Target, { ids, sha256 }: Deployment, image: DeployImage): Promise<boolean> {
  return sha256 === image.sha256 && await target.presence(ids, sha256) === "there";
}

/** Removes what was deployed from its target, then its record. */
export async function removeDeployment(
  { id, target: targetName, image }: Pick<Deployment, "id" | "target" | "image">,
  target: NamedTarget,
  { paths, tools }: Pick<DeployOptions, "paths" | "tools">,
): Promise<void> {
  await using _lock = await lockFile(
    deployLock(paths, targetName, image),
    () => log.info(`${id}: another pim works on it; waiting for that`),
    tools.signal,
  );
  // As it is now: whoever had the lock may have made more of it, or have removed it.
  const deployment = await findDeployment(registryFile(paths), id);
  if (deployment === undefined) return;
  requireSameType(deployment, target);
  await using opened = target.open(tools);
  const images = (await openRegistry(registryFile(paths))).list();
  // Which host a target leads to is the same for all; this image may be gone from here.
  const entry = images.find(({ name }) => name === image) ?? images[0];
  if (entry !== undefined) requireReachable(deployment, target, opened.place(entry));
  for (const { ids, where, place } of [deployment, ...deployment.former ?? []]) {
    if (place?.at !== deployment.place?.at) {
      log.warn(
        `${where} was left as it is, and pim knows no more of it: the target no longer leads to its host`,
      );
      continue;
    }
    await opened.removeInstance?.(ids);
    await opened.remove(ids);
  }
  await forgetDeployment(registryFile(paths), id);
}
