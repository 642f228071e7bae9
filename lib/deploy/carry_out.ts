import type { Deployment } from "../image/deployment.ts";
import { putDeployment } from "../image/deployments.ts";
import { type Paths, registryFile } from "../paths.ts";
import { allActions, waitsForVerification } from "./all_actions.ts";
import type { DeployEvent } from "./events.ts";
import type { Since } from "./former.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { Action, DeployImage, DeployPlan, Place, Target } from "./target.ts";
import type { Verifying } from "./verify.ts";
import { withoutEmpty, withWorkDir } from "./work.ts";

/** A deployment that is to be carried out. */
export interface Job extends Since, Pick<Deployment, "verified"> {
  readonly id: string;
  readonly target: NamedTarget;
  readonly opened: Target;
  readonly image: DeployImage;
  readonly plan: DeployPlan;
  readonly place: Place;
}

/** What carrying out needs beside the job itself. */
export interface CarryOutOptions {
  readonly paths: Paths;
  readonly signal: AbortSignal;
  readonly onEvent: (event: DeployEvent) => void;
  readonly verifying: Verifying | undefined;
}

/** Does what a plan says, and writes down what was made as soon as it is there. */
export async function carryOut(
  { id, target, opened, image, plan, former, place: { movable: _, ...place }, ...before }: Job,
  { paths, signal, onEvent, verifying }: CarryOutOptions,
): Promise<Deployment> {
  const { where, actions } = plan;
  let { ids } = before;
  const [early, later] = [
    actions.filter((each) => !waitsForVerification(each)),
    actions.filter(waitsForVerification),
  ];
  // What was verified counts as long as nothing was done to it.
  let verified = early.length === 0 ? before.verified : undefined;
  const texts = allActions(plan, opened, verifying !== undefined && !verified?.ok).map(({ text }) => text);
  onEvent({ type: "planned", id, where, actions: texts });
  const record = async (state: Deployment["state"]): Promise<Deployment> => {
    const { name, type } = target;
    const deployment: Deployment = {
      ...{ id, target: name, type, image: image.entry.name, sha256: image.sha256, where, ids },
      place,
      // At the end nothing of it is left, or it was told that it stays.
      ...(state === "unfinished" && former.length > 0 && { former }),
      state,
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
    await doAll(early);
    if (verifying !== undefined && !verified?.ok) {
      // Before anybody else writes to its disk; what has failed is there all the same, but is not started.
      const { verifyKept } = await import("./verify.ts");
      const kept = await record(later.length === 0 ? "done" : "unfinished");
      ({ ids, verified } = await verifyKept(kept, { opened, workDir, entry: image.entry }, {
        ...{ paths, signal, onEvent, verifying },
      }));
    }
    await doAll(later);
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
