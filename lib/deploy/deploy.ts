import { UsageError } from "../errors.ts";
import { lockFile } from "../files.ts";
import type { Deployment } from "../image/deployment.ts";
import { deploymentId, forgetDeployment, listDeployments, putDeployment } from "../image/deployments.ts";
import { deployLock, type Paths, registryFile } from "../paths.ts";
import { allActions } from "./all_actions.ts";
import type { DeployEvent } from "./events.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { Action, DeployImage, DeployPlan, HostTools, Ids, Target } from "./target.ts";
import type { Verifying } from "./verify.ts";
import { withoutEmpty, withWorkDir } from "./work.ts";

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
  if (found.plan !== undefined) {
    return await carryOut(found.plan, { id, target, opened, image, known: found.known }, options);
  }
  const { known } = found;
  const { where } = known;
  if (verifying === undefined || known.verified?.ok) {
    onEvent({ type: "already", id, where });
    return known;
  }
  onEvent({ type: "planned", id, where, actions: textsOf({ actions: [] }, opened, true) });
  const { verifyKept } = await import("./verify.ts");
  return await withWorkDir(paths, known, (workDir) => {
    const { signal } = tools;
    return verifyKept(known, { opened, workDir, entry: image.entry }, { paths, signal, onEvent, verifying });
  });
}

function textsOf(plan: Pick<DeployPlan, "actions">, opened: Target, verify: boolean): readonly string[] {
  return allActions(plan, opened, verify).map(({ text }) => text);
}

/** What a deployment would do: nothing where the image is there as it should be. */
export type Outlook =
  | { readonly plan: DeployPlan; readonly known: Deployment | undefined }
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
  if (known?.state === "done" && !force && await isThere(opened, known, image)) {
    return { plan: undefined, known };
  }
  const ids = known?.ids ?? {};
  const { where, actions } = await opened.plan(image, { force, ids });
  return { plan: { where, actions: [...clearInstance(opened, ids), ...actions] }, known };
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

interface Job {
  readonly id: string;
  readonly target: NamedTarget;
  readonly opened: Target;
  readonly image: DeployImage;
  /** What was written down of it before. */
  readonly known: Deployment | undefined;
}

async function carryOut(
  { where, actions }: DeployPlan,
  { id, target, opened, image, known }: Job,
  { paths, tools: { signal }, onEvent, verifying }: DeployOptions,
): Promise<Deployment> {
  const texts = textsOf({ actions }, opened, verifying !== undefined);
  onEvent({ type: "planned", id, where, actions: texts });
  let ids = known?.ids ?? {};
  // What was verified counts as long as nothing was done to it.
  let verified = actions.length === 0 ? known?.verified : undefined;
  const record = async (state: Deployment["state"]): Promise<Deployment> => {
    const { name, type } = target;
    const deployment: Deployment = {
      ...{ id, target: name, type, image: image.entry.name, sha256: image.sha256, where, ids, state },
      time: new Date().toISOString(),
      ...(verified !== undefined && { verified }),
    };
    await putDeployment(registryFile(paths), deployment);
    return deployment;
  };
  return await withWorkDir(paths, { target: target.name, image: image.entry.name }, async (workDir) => {
    const doAll = async (some: readonly Action[]) => {
      for (const action of some) {
        await carryOutOne(action, id, onEvent, (progress) =>
          action.run({
            ...{ signal, workDir, progress },
            ids,
            async made(more) {
              ids = withoutEmpty({ ...ids, ...more });
              await record("unfinished");
            },
          }));
      }
    };
    const starts = actions.filter(({ phase }) => phase === "start");
    await doAll(actions.filter(({ phase }) => phase !== "start"));
    if (verifying !== undefined && !verified?.ok) {
      // Before anybody else writes to its disk; what has failed is there all the same, but is not started.
      const { verifyKept } = await import("./verify.ts");
      const kept = await record(starts.length === 0 ? "done" : "unfinished");
      ({ ids, verified } = await verifyKept(kept, { opened, workDir, entry: image.entry }, {
        ...{ paths, signal, onEvent, verifying },
      }));
    }
    await doAll(starts);
    const done = await record("done");
    onEvent({ type: "deployed", id, where, ids });
    return done;
  });
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
  await opened.removeInstance?.(deployment.ids);
  await opened.remove(deployment.ids);
  await forgetDeployment(registryFile(paths), deployment.id);
}
