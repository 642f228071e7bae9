import { CancelledError, PimError, UsageError } from "../errors.ts";
import type { Deployment, FormerPlace } from "../image/deployment.ts";
import { log } from "../log.ts";
import { DeployError } from "./deploy_error.ts";
import type { NamedTarget } from "./load_targets.ts";
import type { Action, Ids, Place, Target } from "./target.ts";

/** What is left to do of a deployment whose target's settings have changed, and what it goes on from. */
export interface Since {
  /** What it has made where the settings lead now. */
  readonly ids: Ids;
  /** What it has made where they led before. */
  readonly former: readonly FormerPlace[];
}

/** Whether the settings would now put a deployment elsewhere than where it is; what was not written down is believed. */
function hasMoved({ place }: Pick<Deployment, "place">, now: Place): boolean {
  return place !== undefined && (place.at !== now.at || place.name !== now.name);
}

/** Whether a deployment is where and as the settings want it. */
export function suits(known: Pick<Deployment, "place">, now: Place): boolean {
  return !hasMoved(known, now) && (known.place === undefined || known.place.form === now.form);
}

/**
 * Tells what of a deployment is where the settings of today lead. Throws a DeployError where what is elsewhere is
 * nothing that pim removes by itself.
 */
export function since(known: Deployment | undefined, now: Place): Since {
  if (known === undefined) return { ids: {}, former: [] };
  const { ids, former = [], where, sha256, place } = known;
  if (place === undefined || !hasMoved(known, now)) return { ids, former };
  if (!now.movable) {
    const to = place.at === now.at ? now.name : `${now.name} at ${now.at}`;
    throw new DeployError(`Cannot deploy ${known.image} to ${to}: this target has it as ${where}`, {
      hint: `Give the new place a target of its own in targets.d, or remove it first, with the settings as ` +
        `they were: pim deploy remove ${known.id}`,
    });
  }
  // Back again where it was before: that is no longer to be removed.
  const others = former.filter((each) => hasMoved(each, now));
  const back = former.find((each) => !hasMoved(each, now));
  return { ids: back?.ids ?? {}, former: [...others, { where, sha256, place, ids }] };
}

/** Throws a UsageError when a target has become one of another type, to which a deployment's ids mean nothing. */
export function requireSameType({ id, type }: Pick<Deployment, "id" | "type">, target: NamedTarget): void {
  if (target.type === type) return;
  throw new UsageError(
    `${id} was deployed to a target of type ${type}, and ${target.name} is now ${target.type}`,
    {
      hint: `Describe it in targets.d as it was and remove the deployment, or only forget it: ` +
        `pim deploy remove ${id} --forget`,
    },
  );
}

/** Throws a UsageError when a target no longer leads to the host that a deployment is at. */
export function requireReachable({ id, where, place }: Deployment, target: NamedTarget, now: Place): void {
  if (place === undefined || place.at === now.at) return;
  throw new UsageError(`${id} is at ${where}, and the target ${target.name} leads to ${now.at} now`, {
    hint: `Describe it in targets.d as it was, or forget it: pim deploy remove ${id} --forget`,
  });
}

/** The action that removes what was deployed where the settings led before, or says why it stays. */
export async function formerAction(
  target: Target,
  { where, ids, sha256, place }: FormerPlace,
  now: Place,
): Promise<Action> {
  const leave = (why: string): Action => ({
    phase: "remove",
    text: `leave ${where} as it is: ${why}`,
    run() {
      log.warn(`${where} was left as it is, and pim knows no more of it: ${why}`);
      return Promise.resolve();
    },
  });
  if (place.at !== now.at) return leave(`the target's settings lead to ${now.at} now`);
  if (await target.presence(ids, sha256) === "changed") return leave("it has changed since it was deployed");
  return {
    phase: "remove",
    text: `remove ${where}, where it was before`,
    async run(context) {
      try {
        await target.removeInstance?.(ids);
        await target.remove(ids, context.ids);
      } catch (error) {
        if (!(error instanceof PimError) || error instanceof CancelledError) throw error;
        log.warn(`${where} was left as it is, and pim knows no more of it: ${error.message}`);
      }
    },
  };
}
