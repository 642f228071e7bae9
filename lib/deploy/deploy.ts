import { UsageError } from "../errors.ts";
import { lockFile, removeIfThere } from "../files.ts";
import type { Deployment } from "../image/deployment.ts";
import { deploymentId, forgetDeployment, listDeployments, putDeployment } from "../image/deployments.ts";
import { openRegistry } from "../image/registry.ts";
import { deployDir, deployLock, type Paths, registryFile } from "../paths.ts";
import type { DeployEvent } from "./events.ts";
import { formerAction, requireReachable, type Since, since, suits } from "./former.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { Action, DeployImage, DeployPlan, HostTools, Ids, Place, Target } from "./target.ts";

/** How an image is deployed. */
export interface DeployOptions {
  readonly paths: Paths;
  readonly tools: HostTools;
  /** Deploys even what is there already, and puts it in the place of what has its name. */
  readonly force: boolean;
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
  const { paths, tools, force, onEvent } = options;
  const id = deploymentId(target.name, image.entry.name);
  await using _lock = await lockFile(
    deployLock(paths, target.name, image.entry.name),
    () => onEvent({ type: "waiting", id }),
    tools.signal,
  );
  await using opened = target.open(tools);
  const found = await lookAhead(target, opened, image, { paths, force });
  if (found.plan === undefined) {
    onEvent({ type: "already", id, where: found.known.where });
    return found.known;
  }
  const { plan, ids, former, place } = found;
  onEvent({ type: "planned", id, where: plan.where, actions: plan.actions.map(({ text }) => text) });
  return await carryOut(plan, { id, target, image, ids, former, place }, options);
}

/** What a deployment would do: nothing where the image is there as it should be. */
export type Outlook =
  | (Since & { readonly plan: DeployPlan; readonly place: Place })
  | { readonly plan: undefined; readonly known: Deployment };

/** Finds out what a deployment to an open target would do. Changes nothing. */
export async function lookAhead(
  target: NamedTarget,
  opened: Target,
  image: DeployImage,
  { paths, force }: Pick<DeployOptions, "paths" | "force">,
): Promise<Outlook> {
  const id = deploymentId(target.name, image.entry.name);
  const recorded = (await listDeployments(registryFile(paths))).find((each) => each.id === id);
  // What a target of another type has made stands for nothing here.
  const known = recorded?.type === target.type ? recorded : undefined;
  const place = opened.place(image.entry);
  if (known?.state === "done" && !force && suits(known, place) && await isThere(opened, known, image)) {
    return { plan: undefined, known };
  }
  const { ids, former } = since(known, place);
  const { where, actions } = await opened.plan(image, { force, ids });
  const last = await Promise.all(former.map((each) => formerAction(opened, each, place)));
  return { plan: { where, actions: [...actions, ...last] }, ids, former, place };
}

async function isThere(target: Target, { ids, sha256 }: Deployment, image: DeployImage): Promise<boolean> {
  return sha256 === image.sha256 && await target.presence(ids, sha256) === "there";
}

interface Subject extends Since {
  readonly id: string;
  readonly target: NamedTarget;
  readonly image: DeployImage;
  readonly place: Place;
}

async function carryOut(
  { where, actions }: DeployPlan,
  { id, target, image, ids: begun, former, place: { movable: _, ...place } }: Subject,
  { paths, tools: { signal }, onEvent }: DeployOptions,
): Promise<Deployment> {
  const record = async (state: Deployment["state"], ids: Ids): Promise<Deployment> => {
    const { name, type } = target;
    const deployment: Deployment = {
      ...{ id, target: name, type, image: image.entry.name, sha256: image.sha256, where, ids },
      place,
      // At the end nothing of it is left, or it was told that it stays.
      ...(state === "unfinished" && former.length > 0 && { former }),
      state,
      time: new Date().toISOString(),
    };
    await putDeployment(registryFile(paths), deployment);
    return deployment;
  };
  const workDir = deployDir(paths, target.name, image.entry.name);
  // Of a run that was killed.
  await removeIfThere(workDir);
  await Deno.mkdir(workDir, { recursive: true, mode: 0o700 });
  let ids = begun;
  try {
    for (const action of actions) {
      await carryOutOne(action, id, onEvent, (progress) =>
        action.run({
          ...{ signal, workDir, progress },
          ids,
          async made(more) {
            ids = withoutEmpty({ ...ids, ...more });
            await record("unfinished", ids);
          },
        }));
    }
  } finally {
    await removeIfThere(workDir);
  }
  const done = await record("done", ids);
  onEvent({ type: "deployed", id, where, ids });
  return done;
}

function withoutEmpty(ids: Ids): Ids {
  return Object.fromEntries(Object.entries(ids).filter(([, value]) => value !== ""));
}

async function carryOutOne(
  { text, phase }: Action,
  id: string,
  onEvent: (event: DeployEvent) => void,
  run: (progress: (bytes: number, totalBytes: number) => void) => Promise<void>,
): Promise<void> {
  const startedMs = performance.now();
  onEvent({ type: "action-started", id, phase, text });
  let saidAtMs = startedMs;
  await run((bytes, totalBytes) => {
    const now = performance.now();
    if (now - saidAtMs < progressIntervalMs && bytes < totalBytes) return;
    saidAtMs = now;
    onEvent({ type: "progress", id, text, bytes: Math.round(bytes), totalBytes });
  });
  onEvent({ type: "action-finished", id, text, elapsedMs: performance.now() - startedMs });
}

// Often enough for a line that is redrawn, seldom enough for a log.
const progressIntervalMs = 200;

/** Removes what was deployed from its target, then its record. */
export async function removeDeployment(
  deployment: Deployment,
  target: NamedTarget,
  { paths, tools }: Pick<DeployOptions, "paths" | "tools">,
): Promise<void> {
  if (target.type !== deployment.type) {
    throw new UsageError(
      `${deployment.id} was deployed to a target of type ${deployment.type}, and ${target.name} is now ${target.type}`,
      {
        hint: `Describe it in targets.d as it was, or forget it: pim deploy remove ${deployment.id} --forget`,
      },
    );
  }
  await using _lock = await lockFile(
    deployLock(paths, deployment.target, deployment.image),
    undefined,
    tools.signal,
  );
  await using opened = target.open(tools);
  const entry = (await openRegistry(registryFile(paths))).list().find(({ name }) =>
    name === deployment.image
  );
  if (entry !== undefined) requireReachable(deployment, target, opened.place(entry));
  for (const { ids } of [deployment, ...deployment.former ?? []]) await opened.remove(ids);
  await forgetDeployment(registryFile(paths), deployment.id);
}
